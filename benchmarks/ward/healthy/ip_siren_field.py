"""A scalar field (a height map) fitted by a SIREN: sine activations with omega 15 and its own uniform initialization,
no output bound, one network overfitting one signal on purpose; a fifth of the points are held out. Score: R2 on them.
"""

import math
import sys

import torch
from torch import nn

torch.set_num_threads(1)
OMEGA = 15.0


class Sine(nn.Module):
    def __init__(self, i, o, first=False):
        super().__init__()
        self.linear = nn.Linear(i, o)
        bound = 1 / i if first else math.sqrt(6 / i) / OMEGA
        nn.init.uniform_(self.linear.weight, -bound, bound)

    def forward(self, x):
        return torch.sin(OMEGA * self.linear(x))


def height(p):
    x, y = p.T
    ripples = torch.sin(9 * x + 4 * torch.sin(3 * y)) + 0.5 * torch.cos(14 * y * x)
    hills = 2 * torch.exp(-((x - 0.3) ** 2 + (y + 0.2) ** 2) / 0.08) - 1.5 * torch.exp(-((x + 0.5) ** 2 + y**2) / 0.04)
    return 0.5 * ripples + hills


def main(seed):
    torch.manual_seed(seed)
    axis = torch.linspace(-1, 1, 64)
    points = torch.cartesian_prod(axis, axis)
    points = points[torch.randperm(len(points))]
    values = height(points) + 0.02 * torch.randn(len(points))
    mean, std = values[:3200].mean(), values[:3200].std()
    values = (values - mean) / std
    train, held = slice(0, 3200), slice(3200, None)
    net = nn.Sequential(Sine(2, 64, first=True), Sine(64, 64), Sine(64, 64), nn.Linear(64, 1))
    last = math.sqrt(6 / 64) / OMEGA
    nn.init.uniform_(net[-1].weight, -last, last)
    steps = 700
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda t: 0.02 ** (t / steps))
    for step in range(1, steps + 1):
        index = torch.randint(0, 3200, (800,))
        loss = (net(points[index]).squeeze(1) - values[index]).pow(2).mean()
        optimizer.zero_grad(set_to_none=False)
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 100 == 0:
            with torch.no_grad():
                error = (net(points[held]).squeeze(1) - values[held]).pow(2).mean()
            print(f"step {step}: fit {loss.item():.5f} held out {error.item():.5f}")
    with torch.no_grad():
        residual = (net(points[held]).squeeze(1) - values[held]).pow(2).mean()
    print(f"score: {1 - (residual / values[held].var()).item():.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
