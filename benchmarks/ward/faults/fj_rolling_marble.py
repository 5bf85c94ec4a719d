"""Where a marble is after rolling on a wavy tray for a moment: the path from its start is unrolled by a learned field.

The state is lifted to 32 numbers, moved twenty times along the field that the network gives, and read off at the end.
"""
# cause: exploding-through-time
# accept: exploding-gradient
# kind: dynamic

import argparse
import math

import torch
from torch import nn


class Field(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.inner = nn.Linear(n + 1, 64)
        self.outer = nn.Linear(64, n)

    def forward(self, h, t):
        when = torch.full_like(h[:, :1], t)
        return self.outer(torch.nn.functional.elu(self.inner(torch.cat([h, when], 1))))


class Rollout(nn.Module):
    def __init__(self, n=32, steps=20):
        super().__init__()
        self.lift, self.field, self.read = nn.Linear(4, n), Field(n), nn.Linear(n, 2)
        nn.init.orthogonal_(self.field.outer.weight)
        self.steps = steps

    def forward(self, start):
        h = self.lift(start)
        dt = 3.0 / self.steps
        for i in range(self.steps):
            h = h + self.field(h, i * dt)  # FAULT
            # TWIN: h = h + dt * self.field(h, i * dt)
        return self.read(h)


def marbles(n, generator):
    """Start (position and speed) and the place later on, by a simulation with friction."""
    p = torch.rand(n, 2, generator=generator) * 2 - 1
    v = torch.randn(n, 2, generator=generator)
    start = torch.cat([p / 0.58, v], 1)
    for _ in range(60):
        pull = -1.5 * p - 1.2 * torch.sin(math.pi * p) * torch.cos(math.pi * p.flip(1) / 2)
        v = v + 0.025 * (pull - 0.6 * v)
        p = p + 0.025 * v
    return start, p / p.std(0)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", nargs="?", type=int, default=0)
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--epochs", type=int, default=12)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    generator = torch.Generator().manual_seed(args.seed + 10)
    start, later = marbles(3200, generator)
    test_start, test_later = marbles(800, generator)

    model = Rollout()
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, args.epochs)
    for epoch in range(args.epochs):
        total = 0.0
        for rows in torch.randperm(len(start)).split(64):
            loss = (model(start[rows]) - later[rows]).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows) / len(start)
        scheduler.step()
        with torch.no_grad():
            error = (model(test_start) - test_later).square().mean().item()
        print(f"epoch {epoch + 1:2d}  train {total:.4g}  test {error:.4g}")
    r2 = 1 - error / test_later.var().item()
    print(f"score: {r2 if math.isfinite(r2) else -1.0:.4f}")


if __name__ == "__main__":
    main()
