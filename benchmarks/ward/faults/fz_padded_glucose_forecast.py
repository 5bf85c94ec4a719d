"""Next-reading forecasts for series of very different lengths (a glucose-monitor simulation): a GRU over
padded batches, with a loss that leaves the padding out.
"""
# cause: summed-loss
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.utils.rnn import pad_sequence


def simulate_patient(rng):
    """Meals push the level up, an insulin-like response with a delay brings it back."""
    steps = int(rng.integers(15, 60))
    gain, recovery = rng.uniform(0.8, 1.2), rng.uniform(0.25, 0.4)
    level, insulin = rng.normal(0, 0.5), 0.0
    meal = (rng.random(steps) < 0.12) * rng.uniform(1.0, 3.0, steps)
    rows = []
    for t in range(steps):
        rows.append((level, meal[t]))
        insulin += 0.5 * (level - insulin)
        level += gain * meal[t] - recovery * insulin - 0.1 * level + rng.normal(0, 0.05)
    rows.append((level, 0.0))
    series = torch.tensor(np.array(rows), dtype=torch.float32)
    return series[:-1], series[1:, 0]


class Forecaster(nn.Module):
    def __init__(self, hidden=32):
        super().__init__()
        self.rnn = nn.GRU(2, hidden, batch_first=True)
        self.out = nn.Linear(hidden, 1)

    def forward(self, x):
        h, _ = self.rnn(x)
        return self.out(h).squeeze(-1)


class MaskedHuber(nn.Module):
    """Huber loss over the real readings of a padded batch (sensors have outliers now and then)."""

    def forward(self, prediction, target, mask):
        loss = F.smooth_l1_loss(prediction, target, reduction="none")
        return (loss * mask).sum()  # FAULT
        # TWIN: return (loss * mask).sum() / mask.sum()


def collate(pairs):
    x = pad_sequence([p[0] for p in pairs], batch_first=True)
    y = pad_sequence([p[1] for p in pairs], batch_first=True)
    lengths = torch.tensor([len(p[1]) for p in pairs])
    mask = (torch.arange(x.size(1))[None] < lengths[:, None]).float()
    return x, y, mask


@torch.no_grad()
def r_squared(model, pairs):
    model.eval()
    x, y, mask = collate(pairs)
    mask = mask.bool()
    error = (model(x) - y)[mask].pow(2).mean()
    model.train()
    return 1 - (error / y[mask].var(unbiased=False)).item()


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    train = [simulate_patient(rng) for _ in range(480)]
    val = [simulate_patient(rng) for _ in range(80)]
    test = [simulate_patient(rng) for _ in range(120)]

    model = Forecaster()
    loss_fn = MaskedHuber()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    loader = torch.utils.data.DataLoader(
        train, batch_size=24, shuffle=True, collate_fn=collate, generator=torch.Generator().manual_seed(seed)
    )

    for epoch in range(15):
        total, batches = 0.0, 0
        for x, y, mask in loader:
            optimizer.zero_grad()
            loss = loss_fn(model(x), y, mask)
            loss.backward()
            optimizer.step()
            total += loss.item()
            batches += 1
        if epoch % 3 == 2:
            print(f"epoch {epoch + 1:2d}  loss {total / batches:10.4f}  val R2 {r_squared(model, val):.3f}")

    print(f"score: {r_squared(model, test):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
