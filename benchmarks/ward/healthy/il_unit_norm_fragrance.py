"""Fragrance families from an electronic nose. After each update every hidden unit's weights are put back on the unit
sphere, so the optimizer moves directions only; one learned temperature sets the size of the logits."""

import sys
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn


@dataclass
class Settings:
    families: int = 7
    sensors: int = 20
    hidden: int = 64
    batch: int = 64
    epochs: int = 15
    lr: float = 0.05


class SphereNet(nn.Module):
    def __init__(self, s):
        super().__init__()
        self.first = nn.Linear(s.sensors, s.hidden)
        self.second = nn.Linear(s.hidden, s.families, bias=False)
        self.temperature = nn.Parameter(torch.tensor(1.0))
        self.project()

    @torch.no_grad()
    def project(self):
        for layer in (self.first, self.second):
            layer.weight.div_(layer.weight.norm(dim=1, keepdim=True))

    def forward(self, x):
        return self.temperature * self.second(torch.relu(self.first(x)))


def sniff(count, s, rng, prints):
    """A family has two typical prints; the strength of the smell differs."""
    family = rng.integers(0, s.families, count)
    variant = rng.integers(0, 2, count)
    x = prints[family, variant] * rng.uniform(0.7, 1.3, (count, 1)) + rng.normal(0, 0.6, (count, s.sensors))
    return torch.tensor(x, dtype=torch.float32), torch.tensor(family)


def main(seed):
    s = Settings()
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    prints = rng.normal(size=(s.families, 2, s.sensors))
    x, y = sniff(2500, s, rng, prints)
    test_x, test_y = sniff(800, s, rng, prints)
    net = SphereNet(s)
    optimizer = torch.optim.SGD(net.parameters(), lr=s.lr, momentum=0.9)
    for epoch in range(s.epochs):
        for group in optimizer.param_groups:
            group["lr"] = s.lr * (1 - epoch / s.epochs)
        losses = []
        for rows in torch.randperm(len(x)).split(s.batch):
            loss = nn.functional.cross_entropy(net(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            net.project()
            losses.append(loss.item())
        with torch.no_grad():
            accuracy = (net(test_x).argmax(1) == test_y).float().mean().item()
        print(f"{epoch + 1:2d} loss {np.mean(losses):.4f} test {accuracy:.4f} temperature {net.temperature.item():.2f}")
    print(f"score: {accuracy:.4f}")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
