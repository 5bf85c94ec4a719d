"""A normalizing flow of affine couplings for points on two moons, trained by exact likelihood."""

import math
import sys

import torch
from torch import nn


class Coupling(nn.Module):
    def __init__(self, flip, width=32):
        super().__init__()
        self.flip = flip
        self.net = nn.Sequential(
            nn.Linear(1, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 2)
        )
        nn.init.zeros_(self.net[-1].weight)
        nn.init.zeros_(self.net[-1].bias)

    def forward(self, x):
        a, b = x.flip(1).chunk(2, 1) if self.flip else x.chunk(2, 1)
        scale, shift = self.net(a).chunk(2, 1)
        scale = torch.tanh(scale)
        out = torch.cat([a, b * scale.exp() + shift], 1)
        return out.flip(1) if self.flip else out, scale.squeeze(1)


class Flow(nn.Module):
    def __init__(self, depth=6):
        super().__init__()
        self.layers = nn.ModuleList([Coupling(i % 2 == 1) for i in range(depth)])

    def log_prob(self, x):
        volume = 0.0
        for layer in self.layers:
            x, change = layer(x)
            volume = volume + change
        return -0.5 * x.pow(2).sum(1) - math.log(2 * math.pi) + volume


def moons(n):
    t = math.pi * torch.rand(n)
    upper = torch.rand(n) < 0.5
    x = torch.where(upper, t.cos(), 1 - t.cos()) - 0.5
    y = torch.where(upper, t.sin(), 0.5 - t.sin()) - 0.25
    return torch.stack([x / 0.87, y / 0.5], 1) + 0.1 * torch.randn(n, 2)


torch.set_num_threads(1)
torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
test = moons(1000)
flow = Flow()
optimizer = torch.optim.Adam(flow.parameters(), lr=4e-3)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 700)
for step in range(700):
    loss = -flow.log_prob(moons(128)).mean()
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(flow.parameters(), 5.0)
    optimizer.step()
    scheduler.step()
    if step % 100 == 99:
        with torch.no_grad():
            print(f"step {step + 1} loss {loss.item():.4f} test {-flow.log_prob(test).mean().item():.4f}")
with torch.no_grad():
    print(f"score: {flow.log_prob(test).mean().item():.4f}")
