"""Temperature of an orchard six hours ahead from three days of hourly weather: a dilated causal convolutional network
with residual blocks, weight normalization and Huber loss, batches cut from the long series by a generator.
"""

import sys

import numpy as np
import torch
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

torch.set_num_threads(1)
PAST, AHEAD = 72, 6


def weather(hours, rng):
    t = np.arange(hours)
    front, cloud, temperature = np.zeros(hours), np.zeros(hours), np.zeros(hours)
    for i in range(1, hours):
        front[i] = 0.985 * front[i - 1] + 0.7 * rng.normal()
        cloud[i] = 0.95 * cloud[i - 1] + 0.3 * rng.normal()
    cover = 1 / (1 + np.exp(-2 * cloud))
    for i in range(1, hours):
        target = 9 + 7 * np.sin(2 * np.pi * (t[i] / 8760 - 0.3)) + front[max(i - 8, 0)]
        sun = (9 * (1 - 0.7 * cover[i])) * np.sin(2 * np.pi * (t[i] % 24 - 9) / 24)
        temperature[i] = temperature[i - 1] + 0.2 * (target + sun - temperature[i - 1]) + 0.25 * rng.normal()
    clock = 2 * np.pi * t / 24
    table = np.column_stack([temperature, 1013 - 0.8 * front, cover, np.sin(clock), np.cos(clock)])
    return table[200:].astype(np.float32)


class Block(nn.Module):
    def __init__(self, n_in, n_out, dilation):
        super().__init__()
        self.pad = 2 * dilation
        self.conv = weight_norm(nn.Conv1d(n_in, n_out, 3, dilation=dilation))
        self.skip = nn.Conv1d(n_in, n_out, 1) if n_in != n_out else nn.Identity()
        self.drop = nn.Dropout(0.05)

    def forward(self, x):
        h = self.conv(nn.functional.pad(x, (self.pad, 0)))
        return self.skip(x) + self.drop(torch.relu(h))


class TCN(nn.Module):
    def __init__(self, width=24):
        super().__init__()
        sizes = [5] + [width] * 5
        self.blocks = nn.Sequential(*[Block(a, b, 2**i) for i, (a, b) in enumerate(zip(sizes, sizes[1:]))])
        self.out = nn.Linear(width, 1)

    def forward(self, x):
        return x[:, -1, 0] + self.out(self.blocks(x.transpose(1, 2))[:, :, -1]).squeeze(1)


def batches(table, size, rng=None, stride=5):
    starts = np.arange(0, len(table) - PAST - AHEAD, stride)
    if rng is not None:
        rng.shuffle(starts)
    for chunk in np.array_split(starts, max(1, len(starts) // size)):
        yield torch.stack([table[s : s + PAST] for s in chunk]), table[chunk + PAST + AHEAD - 1, 0]


@torch.no_grad()
def evaluate(model, table):
    model.eval()
    pairs = [(model(x), y, x[:, -1, 0]) for x, y in batches(table, 256)]
    out, y, last = (torch.cat(part) for part in zip(*pairs))
    return (out - y).pow(2).mean().item(), (last - y).pow(2).mean().item(), y.var().item()


def main(seed):
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    table = weather(2 * 8760, rng)
    a, b = int(0.7 * len(table)), int(0.85 * len(table))
    mean, std = table[:a].mean(0), table[:a].std(0)
    table = torch.from_numpy((table - mean) / std)
    train, val, test = table[:a], table[a:b], table[b:]
    model = TCN()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.7)
    criterion = nn.HuberLoss(delta=0.5)
    for epoch in range(7):
        model.train()
        losses = []
        for x, y in batches(train, 64, rng):
            loss = criterion(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        scheduler.step()
        mse, naive, _ = evaluate(model, val)
        print(f"epoch {epoch} huber {np.mean(losses):.4f} val mse {mse:.4f} (persistence {naive:.4f})")
    mse, _, variance = evaluate(model, test)
    print(f"score: {1 - mse / variance:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
