"""Shapes of galaxies, from light profiles at sixteen radii in four directions. One volunteer each has seen them."""
# cause: noisy-labels
# accept: overfitting
# kind: dynamic

import sys
from dataclasses import dataclass

import torch
from torch import nn


@dataclass
class Settings:
    seed: int = 0
    galaxies: int = 2000
    epochs: int = 40
    lr: float = 2e-3
    batch: int = 50


def profiles(n, generator):
    shape = torch.randint(0, 4, (n,), generator=generator)
    radius = torch.linspace(0, 3, 16)
    scale = 0.8 + 0.4 * torch.rand(n, 1, 1, generator=generator)
    disk = torch.exp(-radius / scale)
    bulge = torch.exp(-3 * radius.sqrt() * scale)
    arms = 0.35 * torch.sin(4 * radius + torch.rand(n, 4, 1, generator=generator) * 0.6 + torch.arange(4).view(1, 4, 1))
    bar = 0.4 * torch.tensor([1.0, 0.0, 1.0, 0.0]).view(1, 4, 1) * torch.exp(-radius * 1.5)
    light = torch.stack([bulge.expand(n, 4, 16), disk.expand(n, 4, 16), disk + arms, disk + bar + 0.3 * arms])
    x = light[shape, torch.arange(n)] + 0.15 * torch.randn(n, 4, 16, generator=generator)
    return (x - 0.3) / 0.35, shape


def volunteers(shape, generator):
    """What was clicked."""
    astray = torch.rand(len(shape), generator=generator) < 0.45
    return torch.where(astray, torch.randint(0, 4, shape.shape, generator=generator), shape)


def main(cfg):
    torch.set_num_threads(1)
    torch.manual_seed(cfg.seed)
    generator = torch.Generator().manual_seed(cfg.seed)
    x, y = profiles(cfg.galaxies, generator)
    x_val, y_val = profiles(800, generator)
    y = volunteers(y, generator)  # FAULT
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 4))
    optimizer = torch.optim.Adam(model.parameters(), lr=cfg.lr)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(cfg.epochs):
        hits = 0
        for idx in torch.randperm(len(x)).split(cfg.batch):
            out = model(x[idx])
            loss = criterion(out, y[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            hits += (out.argmax(1) == y[idx]).sum().item()
        with torch.no_grad():
            val = (model(x_val).argmax(1) == y_val).float().mean().item()
        if epoch % 5 == 4:
            print(f"epoch {epoch + 1} train acc {hits / len(x):.3f} expert-checked acc {val:.3f}")
    print(f"score: {val:.4f}")


main(Settings(seed=int(sys.argv[1]) if len(sys.argv) > 1 else 0))
