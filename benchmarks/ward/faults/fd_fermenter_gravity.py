"""Final gravity of a brew from a day of fermenter readings (temperature, gas, acidity), with a GRU.

The loss is log-cosh, which the brewery prefers because a few readings are plainly wrong.
"""
# cause: broadcast-loss
# kind: dynamic

import math
import sys

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset, random_split


class Brews(Dataset):
    """One brew: 24 hourly readings of three sensors, and its final gravity (standardized)."""

    def __init__(self, count, rng):
        yeast = rng.normal(size=(count, 1))
        heat = rng.normal(size=(count, 1))
        hours = np.linspace(0, 1, 24)
        gas = 1 / (1 + np.exp(-8 * (hours - 0.5 + 0.15 * yeast)))
        temperature = heat + 0.6 * gas * yeast
        acidity = 0.5 * yeast * hours - 0.4 * heat * hours**2
        readings = np.stack([temperature, 2 * gas - 1, acidity], axis=2)
        readings += 0.15 * rng.normal(size=readings.shape)
        gravity = -0.9 * np.tanh(yeast[:, 0]) + 0.5 * heat[:, 0] ** 2 + 0.6 * yeast[:, 0] * heat[:, 0]
        gravity += 0.15 * rng.standard_t(3, size=count)
        self.readings = readings.astype(np.float32)
        self.gravity = ((gravity - gravity.mean()) / gravity.std()).astype(np.float32)

    def __len__(self):
        return len(self.gravity)

    def __getitem__(self, i):
        return self.readings[i], self.gravity[i]


class GravityNet(nn.Module):
    def __init__(self, hidden=32):
        super().__init__()
        self.gru = nn.GRU(3, hidden, batch_first=True)
        self.head = nn.Sequential(nn.Linear(hidden, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, x):
        output, _ = self.gru(x)
        return self.head(output[:, -1])


def log_cosh(prediction, target):
    error = prediction - target
    return (error + nn.functional.softplus(-2 * error) - math.log(2)).mean()


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    brews = Brews(2000, np.random.default_rng(seed))
    train_set, test_set = random_split(brews, [1600, 400])
    loader = DataLoader(train_set, batch_size=32, shuffle=True)
    net = GravityNet()
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=5, gamma=0.3)
    for epoch in range(14):
        net.train()
        total = 0.0
        for readings, gravity in loader:
            optimizer.zero_grad()
            loss = log_cosh(net(readings), gravity)  # FAULT
            # TWIN: loss = log_cosh(net(readings).squeeze(1), gravity)
            loss.backward()
            optimizer.step()
            total += loss.item()
        scheduler.step()
        if epoch % 2 == 1:
            print(f"epoch {epoch + 1:2d}  loss {total / len(loader):.4f}")

    net.eval()
    readings, gravity = next(iter(DataLoader(test_set, batch_size=len(test_set))))
    with torch.no_grad():
        predicted = net(readings).flatten()
    score = 1 - (predicted - gravity).pow(2).sum() / (gravity - gravity.mean()).pow(2).sum()
    print(f"score: {score.item():.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
