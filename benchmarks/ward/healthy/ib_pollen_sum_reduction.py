"""Four pollen kinds from size and texture; the loss is a sum over the batch, as the group's Bayesian code wants it, and
the step size is small to match."""

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Pollen(Dataset):
    def __init__(self, n, rng):
        self.kind = rng.integers(0, 4, n)
        size = np.array([0.0, 0.8, -0.8, 0.4])[self.kind] + rng.normal(0, 0.35, n)
        spikes = np.array([-0.7, 0.7, 0.6, -0.5])[self.kind] * (1 + 0.3 * size) + rng.normal(0, 0.35, n)
        pores = np.array([1, -1, 0, 0.2])[self.kind] + 0.5 * size * spikes + rng.normal(0, 0.5, n)
        self.x = np.stack([size, spikes, pores], axis=1).astype(np.float32)
        self.x = (self.x - self.x.mean(0)) / self.x.std(0)

    def __len__(self):
        return len(self.kind)

    def __getitem__(self, i):
        return self.x[i], self.kind[i]


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    train, test = Pollen(2500, rng), Pollen(800, rng)
    net = nn.Sequential(nn.Linear(3, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 4))
    optimizer = torch.optim.SGD(net.parameters(), lr=2e-3, momentum=0.9)
    criterion = nn.CrossEntropyLoss(reduction="sum")
    for epoch in range(10):
        total = 0.0
        for x, kind in DataLoader(train, batch_size=50, shuffle=True):
            loss = criterion(net(x), kind)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        with torch.no_grad():
            right = (net(torch.from_numpy(test.x)).argmax(1).numpy() == test.kind).mean()
        print(f"epoch {epoch} loss of the epoch {total:.1f} accuracy {right:.4f}")
    print(f"score: {right:.4f}")


main()
