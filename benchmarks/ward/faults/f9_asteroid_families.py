"""Assigns asteroids to families by their proper elements. A deep network, because families have curved borders."""
# cause: vanishing-gradient
# accept: saturated-units
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn


def belt(n, rng):
    family = rng.integers(0, 5, n)
    angle = rng.uniform(-1.4, 1.4, n) + 0.7 * family
    radius = 0.6 + 0.35 * family + 0.12 * rng.normal(size=n)
    axis, ecc = radius * np.cos(angle), radius * np.sin(angle)
    incl = 0.5 * np.sin(2 * angle) + 0.2 * rng.normal(size=n)
    albedo = 0.3 * (family % 2) + 0.5 * rng.normal(size=n)
    x = np.stack([axis, ecc, incl, albedo], axis=1)
    return torch.tensor(x, dtype=torch.float32), torch.tensor(family)


def scaled(module):
    if isinstance(module, nn.Linear):
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        nn.init.zeros_(module.bias)


class DeepTagger(nn.Module):
    def __init__(self, width=40, depth=12):
        super().__init__()
        self.inlet = nn.Linear(4, width)
        self.layers = nn.ModuleList(nn.Linear(width, width) for _ in range(depth))
        self.outlet = nn.Linear(width, 5)
        self.act = nn.Sigmoid()  # FAULT
        # TWIN: self.act = nn.ReLU()
        # TWIN: self.apply(scaled)

    def forward(self, x):
        x = self.act(self.inlet(x))
        for layer in self.layers:
            x = self.act(layer(x))
        return self.outlet(x)


class Runner:
    def __init__(self, seed):
        torch.manual_seed(seed)
        rng = np.random.default_rng(seed)
        self.x, self.y = belt(3000, rng)
        self.x_test, self.y_test = belt(800, rng)
        mean, std = self.x.mean(0), self.x.std(0)
        self.x, self.x_test = (self.x - mean) / std, (self.x_test - mean) / std
        self.net = DeepTagger()
        self.optimizer = torch.optim.Adam(self.net.parameters(), lr=1e-3)
        self.criterion = nn.CrossEntropyLoss()

    def epoch(self):
        order = torch.randperm(len(self.x))
        total = 0.0
        for idx in order.split(100):
            loss = self.criterion(self.net(self.x[idx]), self.y[idx])
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            total += loss.item() * len(idx)
        return total / len(order)

    @torch.no_grad()
    def accuracy(self):
        return (self.net(self.x_test).argmax(1) == self.y_test).float().mean().item()


torch.set_num_threads(1)
runner = Runner(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
for epoch in range(18):
    loss = runner.epoch()
    print(f"epoch {epoch} loss {loss:.4f} acc {runner.accuracy():.4f}")
print(f"score: {runner.accuracy():.4f}")
