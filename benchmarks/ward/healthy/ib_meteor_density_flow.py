"""Density of meteor arrivals (direction and speed) by a stack of affine couplings. The objective is the mean negative
log density, which goes well below zero."""

import math
import sys

import torch
from torch import nn


class Coupling(nn.Module):
    def __init__(self, flip, hidden=32):
        super().__init__()
        self.flip = flip
        self.net = nn.Sequential(
            nn.Linear(1, hidden), nn.Tanh(), nn.Linear(hidden, hidden), nn.Tanh(), nn.Linear(hidden, 2)
        )
        nn.init.zeros_(self.net[-1].weight)
        nn.init.zeros_(self.net[-1].bias)

    def forward(self, x):
        a, b = (x[:, 1:], x[:, :1]) if self.flip else (x[:, :1], x[:, 1:])
        scale, shift = self.net(a).chunk(2, dim=1)
        scale = 2 * torch.tanh(scale)
        b = b * scale.exp() + shift
        return torch.cat([b, a] if self.flip else [a, b], dim=1), scale.squeeze(1)


class Flow(nn.Module):
    def __init__(self, layers=6):
        super().__init__()
        self.layers = nn.ModuleList(Coupling(i % 2 == 0) for i in range(layers))

    def log_prob(self, x):
        total = 0.0
        for layer in self.layers:
            x, log_det = layer(x)
            total = total + log_det
        return total - 0.5 * x.square().sum(1) - math.log(2 * math.pi)


def meteors(n):
    bend = 0.3 * torch.randn(n)
    return torch.stack([bend, 1.5 * bend**2 - 0.2 + 0.04 * torch.randn(n)], dim=1)


torch.set_num_threads(1)
torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
x, x_val = meteors(3000), meteors(1000)
flow = Flow()
optimizer = torch.optim.Adam(flow.parameters(), lr=3e-3)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 14)
for epoch in range(14):
    total = 0.0
    for idx in torch.randperm(len(x)).split(100):
        loss = -flow.log_prob(x[idx]).mean()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(flow.parameters(), 5.0)
        optimizer.step()
        total += loss.item() * len(idx)
    scheduler.step()
    with torch.no_grad():
        val = flow.log_prob(x_val).mean().item()
    print(f"epoch {epoch} nll {total / len(x):.4f} val {-val:.4f}")
print(f"score: {val:.4f}")
