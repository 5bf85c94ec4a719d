"""Fills gaps in tables of correlated measurements: a network sees the values with gaps set to zero and the mask beside
them, and the loss counts hidden entries only. A new mask for every batch."""

import sys

import numpy as np
import torch
from torch import nn


class Imputer(nn.Module):
    def __init__(self, columns, hidden=96):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(2 * columns, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, columns)
        )

    def forward(self, x, mask):
        return self.net(torch.cat([x * mask, mask], dim=1))


def hidden_loss(guess, x, mask):
    return ((guess - x).square() * (1 - mask)).sum() / (1 - mask).sum()


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    factors = rng.normal(size=(3000, 3))
    loads = rng.normal(size=(3, 12))
    table = np.tanh(factors @ loads) + 0.15 * rng.normal(size=(3000, 12))
    table = torch.tensor((table - table.mean(0)) / table.std(0), dtype=torch.float32)
    train, test = table[:2400], table[2400:]
    test_mask = (torch.rand(test.shape) > 0.25).float()
    model = Imputer(12)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.93)
    for epoch in range(25):
        model.train()
        total = 0.0
        for x in train[torch.randperm(len(train))].split(60):
            mask = (torch.rand(x.shape) > 0.25).float()
            loss = hidden_loss(model(x, mask), x, mask)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        scheduler.step()
        model.eval()
        with torch.no_grad():
            error = hidden_loss(model(test, test_mask), test, test_mask).item()
        print(f"epoch {epoch + 1:2d} hidden entries: train {total / 40:.4f} test {error:.4f}")
    print(f"score: {1 - error:.4f}")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
