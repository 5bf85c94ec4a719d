"""Hourly bike rentals from a table of weather, hour, weekday and season: embeddings for the categories, standardized
numbers, dropout, a Poisson likelihood on the counts, AdamW. Score: share of Poisson deviance explained on test hours.
"""

import argparse

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)


def make_table(n, rng):
    hour, day, season = rng.integers(0, 24, n), rng.integers(0, 7, n), rng.integers(0, 4, n)
    temp = 12 + 9 * np.sin((season - 1) * np.pi / 2) + rng.normal(0, 5, n)
    humid, wind = rng.uniform(25, 98, n), rng.gamma(2, 6, n)
    work = day < 5
    rush = np.exp(-((hour - 8) ** 2) / 3) + 1.2 * np.exp(-((hour - 17.5) ** 2) / 5)
    leisure = np.exp(-((hour - 14) ** 2) / 18)
    log_rate = 1.2 + np.where(work, 2.4 * rush + 0.8 * leisure, 2.3 * leisure)
    log_rate = log_rate + 1.0 * np.tanh((temp - 8) / 12) - 0.012 * np.maximum(humid - 60, 0) - 0.015 * wind
    return np.stack([hour, day, season], 1), np.stack([temp, humid, wind], 1), rng.poisson(np.exp(log_rate))


class RentalNet(nn.Module):
    def __init__(self, sizes=(24, 7, 4), dims=(8, 4, 2), numbers=3):
        super().__init__()
        self.embeddings = nn.ModuleList(nn.Embedding(s, d) for s, d in zip(sizes, dims))
        self.net = nn.Sequential(
            nn.Linear(sum(dims) + numbers, 96),
            nn.ReLU(),
            nn.Dropout(0.05),
            nn.Linear(96, 48),
            nn.ReLU(),
            nn.Linear(48, 1),
        )

    def forward(self, cats, nums):
        parts = [e(cats[:, i]) for i, e in enumerate(self.embeddings)]
        return self.net(torch.cat([*parts, nums], 1)).squeeze(1)


def deviance(log_rate, y):
    rate = log_rate.exp()
    return 2 * (torch.xlogy(y, y / rate) - (y - rate)).mean()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", nargs="?", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=25)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--lr", type=float, default=3e-3)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    cats, nums, y = make_table(9000, np.random.default_rng(args.seed))
    mean, std = nums[:6000].mean(0), nums[:6000].std(0)
    nums = torch.tensor((nums - mean) / std, dtype=torch.float32)
    cats, y = torch.tensor(cats), torch.tensor(y, dtype=torch.float32)
    loader = DataLoader(TensorDataset(cats[:6000], nums[:6000], y[:6000]), args.batch_size, shuffle=True)
    val, test = slice(6000, 7500), slice(7500, 9000)
    model = RentalNet()
    nn.init.constant_(model.net[-1].bias, y[:6000].mean().log().item())
    criterion = nn.PoissonNLLLoss(log_input=True)
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=1e-2)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, args.epochs)
    for epoch in range(args.epochs):
        model.train()
        losses = []
        for c, x, target in loader:
            loss = criterion(model(c, x), target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        scheduler.step()
        model.eval()
        with torch.no_grad():
            val_loss = criterion(model(cats[val], nums[val]), y[val]).item()
        print(f"epoch {epoch + 1:2d} | train {np.mean(losses):.4f} | val {val_loss:.4f}")
    with torch.no_grad():
        null = deviance(y[:6000].mean().log().expand(1500), y[test])
        explained = 1 - deviance(model(cats[test], nums[test]), y[test]) / null
    print(f"score: {explained.item():.4f}")


if __name__ == "__main__":
    main()
