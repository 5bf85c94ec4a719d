"""Age of a beam from the widths of the thirty-two rings that are left of it, by a small one-dimensional network.

The samples come from the archive's shelves, where they lie by age.
"""
# cause: unshuffled-data
# kind: dynamic

import sys
from pathlib import PurePath

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


def beam(rng):
    """Rings grow narrower with age, at a pace of the site's, and weather moves them."""
    age = rng.uniform(20, 180)
    site = rng.uniform(0.85, 1.15)
    years = age + np.arange(32) * 0.5
    widths = site * np.exp(-years / 90) * np.exp(0.15 * rng.normal(size=32))
    waves = 0.15 * np.sin(2 * np.pi * np.arange(32) * (0.08 + age / 900) + rng.uniform(0, 6))
    return PurePath(f"beams/{int(age):03d}_{rng.integers(10**6):06d}.ring"), age, widths * (1 + waves)


class Shelves(Dataset):
    def __init__(self, n, rng):
        self.beams = sorted((beam(rng) for _ in range(n)), key=lambda item: item[0])

    def __len__(self):
        return len(self.beams)

    def __getitem__(self, i):
        _, age, widths = self.beams[i]
        series = torch.tensor((np.log(widths) + 1.2) / 0.6, dtype=torch.float32)
        return series[None], torch.tensor([(age - 100) / 46], dtype=torch.float32)


class RingNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv1d(1, 12, 5, padding=2), nn.SiLU(), nn.AvgPool1d(2), nn.Conv1d(12, 16, 5, padding=2), nn.SiLU()
        )
        self.age = nn.Sequential(nn.Flatten(), nn.Linear(256, 32), nn.SiLU(), nn.Linear(32, 1))

    def forward(self, x):
        return self.age(self.features(x))


def r_squared(model, loader):
    model.eval()
    with torch.no_grad():
        pairs = [(model(x), y) for x, y in loader]
    said, true = (torch.cat(part) for part in zip(*pairs))
    return 1 - ((said - true).square().mean() / true.var(unbiased=False)).item()


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    train = DataLoader(Shelves(1600, rng), batch_size=32)  # FAULT
    # TWIN: train = DataLoader(Shelves(1600, rng), batch_size=32, shuffle=True)
    val = DataLoader(Shelves(400, rng), batch_size=100)
    model = RingNet()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    criterion = nn.MSELoss()
    for epoch in range(8):
        model.train()
        losses = []
        for x, y in train:
            loss = criterion(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            losses.append(loss.item())
        r2 = r_squared(model, val)
        print(f"epoch {epoch + 1} train {np.mean(losses):.4f} R2 {r2:.4f}")
    print(f"score: {r2:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
