"""Surrogate of a mooring simulation: the tension of four lines from heading, current and wave period, so that operators
need not wait for the solver. The network is kept as small as possible, for it is to run on the buoy's controller."""
# cause: underfitting
# kind: dynamic

import argparse
import math

import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("seed", nargs="?", type=int, default=0)
parser.add_argument("--units", type=int, default=2)  # FAULT
# TWIN: parser.add_argument("--units", type=int, default=64)
parser.add_argument("--epochs", type=int, default=60)
args = parser.parse_args()
torch.set_num_threads(1)
torch.manual_seed(args.seed)


def simulate(n):
    heading = torch.rand(n) * 2 * math.pi
    current = torch.rand(n)
    period = torch.rand(n)
    lines = []
    for k in range(4):
        pull = torch.cos(heading - k * math.pi / 2)
        wave = 0.7 * torch.sin(2 * heading + 3 * period + k)
        lines.append(pull * (0.5 + current) + wave * (1.2 - current))
    y = torch.stack(lines, dim=1) + 0.05 * torch.randn(n, 4)
    x = torch.stack([heading.cos(), heading.sin(), 2 * current - 1, 2 * period - 1], dim=1)
    return x, y


x_train, y_train = simulate(3000)
x_val, y_val = simulate(500)
surrogate = nn.Sequential(
    nn.Linear(4, args.units), nn.Tanh(), nn.Linear(args.units, args.units), nn.Tanh(), nn.Linear(args.units, 4)
)
optimizer = torch.optim.Adam(surrogate.parameters(), lr=5e-3)
schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, args.epochs, eta_min=2e-4)
criterion = nn.MSELoss()
for epoch in range(args.epochs):
    total = 0.0
    for idx in torch.randperm(len(x_train)).split(100):
        optimizer.zero_grad()
        loss = criterion(surrogate(x_train[idx]), y_train[idx])
        loss.backward()
        optimizer.step()
        total += loss.item() * len(idx)
    schedule.step()
    if (epoch + 1) % 10 == 0:
        with torch.no_grad():
            val = criterion(surrogate(x_val), y_val).item()
        print(f"epoch {epoch + 1:3d} train {total / len(x_train):.4f} val {val:.4f}")
r2 = 1 - val / y_val.var(dim=0).mean().item()
print(f"score: {r2:.4f}")
