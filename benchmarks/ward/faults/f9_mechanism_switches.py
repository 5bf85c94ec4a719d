"""Angle of a six-bar mechanism from readings of its joints. The hidden units are to act like switches, hence the slope
in front of the sigmoid."""
# cause: saturated-units
# kind: dynamic

import sys

import torch
import torch.nn.functional as F
from torch import nn


class Switches(nn.Module):
    """A layer of units that flip."""

    def __init__(self, n_in, n_out, slope):
        super().__init__()
        self.linear = nn.Linear(n_in, n_out)
        self.slope = slope

    def forward(self, x):
        return 2 * torch.sigmoid(self.slope * self.linear(x)) - 1


class Mechanism(nn.Module):
    def __init__(self, slope):
        super().__init__()
        self.body = nn.Sequential(Switches(6, 48, slope), Switches(48, 48, slope), nn.Linear(48, 2))

    def forward(self, x):
        return self.body(x)


def joints(n):
    a, b, c = (torch.rand(3, n) * 2 - 1).unbind(0)
    readings = torch.stack([a, b, c, torch.sin(2 * a), torch.cos(2 * b) - 0.7, a * c], dim=1)
    readings = 1.7 * readings + 0.02 * torch.randn(n, 6)
    angle = torch.stack([torch.sin(2.5 * a + b) + 0.5 * c, torch.cos(2 * b - c) * (1 + a)], dim=1)
    return readings, angle


torch.set_num_threads(1)
torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
x, y = joints(3000)
x_test, y_test = joints(600)
model = Mechanism(slope=400.0)  # FAULT
# TWIN: model = Mechanism(slope=2.0)
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(25):
    total = 0.0
    for idx in torch.randperm(len(x)).split(60):
        loss = F.smooth_l1_loss(model(x[idx]), y[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(idx)
    if epoch % 5 == 4:
        print(f"epoch {epoch + 1} loss {total / len(x):.5f}")
with torch.no_grad():
    residual = (model(x_test) - y_test).square().mean(dim=0)
print(f"score: {(1 - residual / y_test.var(dim=0)).mean().item():.4f}")
