"""Drag of model hulls in a towing tank, from five strain gauges. The gauges give counts of a sixteen-bit converter; a
tanh network turns them into newtons."""
# cause: unscaled-inputs
# accept: saturated-units
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn


def runs(n, rng):
    s = rng.normal(size=(n, 5))
    drag = np.tanh(s[:, 0] + s[:, 1]) + 0.5 * s[:, 2] * s[:, 3] + 0.4 * np.sin(2 * s[:, 4])
    counts = (32768 + 6000 * s).clip(0, 65535).round()
    return counts, drag + 0.05 * rng.normal(size=n)


class HullModel(nn.Module):
    def __init__(self, units=48):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(5, units), nn.Tanh(), nn.Linear(units, units), nn.Tanh(), nn.Linear(units, 1), nn.Flatten(0)
        )

    def forward(self, counts):
        # TWIN: counts = (counts - 32768) / 6000
        return self.net(counts)


def fit(model, counts, drag, epochs=20, batch=50):
    optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
    for epoch in range(epochs):
        total = 0.0
        for idx in torch.randperm(len(counts)).split(batch):
            loss = nn.functional.mse_loss(model(counts[idx]), drag[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(idx)
        scheduler.step()
        print(f"epoch {epoch} mse {total / len(counts):.4f}")


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    train = [torch.tensor(a, dtype=torch.float32) for a in runs(2500, rng)]
    counts, drag = (torch.tensor(a, dtype=torch.float32) for a in runs(500, rng))
    model = HullModel()
    fit(model, *train)
    with torch.no_grad():
        error = nn.functional.mse_loss(model(counts), drag).item()
    print(f"score: {1 - error / drag.var().item():.4f}")


main()
