"""Forecast a river's level 6 hours ahead from 48 hours of rain, temperature and level with a causal dilated conv net;
windows of one long series, split in time, standardized by the training part. Score: skill over persistence on test.
"""

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset

torch.set_num_threads(1)
HISTORY, AHEAD = 48, 6


def simulate(hours, rng):
    rain = rng.gamma(0.6, 3.0, hours) * (rng.random(hours) < 0.12)
    temp = 10 + 6 * np.sin(2 * np.pi * np.arange(hours) / 24) + 0.5 * rng.normal(size=hours)
    soil, level = 0.0, np.zeros(hours)
    for t in range(1, hours):
        soil = 0.93 * soil + rain[t]
        gain = 0.10 / (1 + np.exp(-(soil - 4)))
        level[t] = 0.95 * level[t - 1] + gain * soil * 0.3 - 0.002 * temp[t] + 0.03 * rng.normal()
    return np.stack([rain, temp, level], 1).astype(np.float32)


class Windows(Dataset):
    def __init__(self, series):
        self.series = torch.from_numpy(series)

    def __len__(self):
        return len(self.series) - HISTORY - AHEAD

    def __getitem__(self, i):
        window = self.series[i : i + HISTORY]
        return window.T, self.series[i + HISTORY + AHEAD - 1, 2] - window[-1, 2]


class CausalBlock(nn.Module):
    def __init__(self, i, o, dilation):
        super().__init__()
        self.pad = 2 * dilation
        self.conv = nn.Conv1d(i, o, 3, dilation=dilation)
        self.skip = nn.Conv1d(i, o, 1) if i != o else nn.Identity()

    def forward(self, x):
        return F.relu(self.conv(F.pad(x, (self.pad, 0)))) + self.skip(x)


class TCN(nn.Module):
    def __init__(self, channels=20):
        super().__init__()
        self.blocks = nn.Sequential(
            CausalBlock(3, channels, 1), *[CausalBlock(channels, channels, d) for d in (2, 4, 8)]
        )
        self.out = nn.Linear(channels, 1)

    def forward(self, x):
        return self.out(self.blocks(x)[:, :, -1]).squeeze(1)


def mse(model, loader):
    model.eval()
    with torch.no_grad():
        pairs = [(model(x), y) for x, y in loader]
    out, y = (torch.cat(p) for p in zip(*pairs))
    return F.mse_loss(out, y).item(), y.pow(2).mean().item()


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    series = simulate(5000, np.random.default_rng(seed))
    train = series[:3400]
    series = (series - train.mean(0)) / train.std(0)
    loader = DataLoader(Windows(series[:3400]), batch_size=64, shuffle=True, drop_last=True)
    val, test = DataLoader(Windows(series[3400:4100]), 256), DataLoader(Windows(series[4100:]), 256)
    model = TCN()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3, weight_decay=1e-5)
    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.3, patience=1)
    for epoch in range(1, 11):
        model.train()
        total = 0.0
        for x, y in loader:
            loss = F.mse_loss(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        val_loss, _ = mse(model, val)
        plateau.step(val_loss)
        print(f"epoch {epoch}: train {total / len(loader):.4f} val {val_loss:.4f} lr {plateau.get_last_lr()[0]:.1e}")
    error, persistence = mse(model, test)
    print(f"score: {1 - error / persistence:.4f}")


if __name__ == "__main__":
    main()
