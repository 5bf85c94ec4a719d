"""Water level with its own uncertainty: hand-written Gaussian likelihood whose variance is the output of a ReLU."""
# cause: unstable-loss
# kind: dynamic

import math
import sys

import torch
import torch.nn.functional as F
from torch import nn

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)


def levels(n):
    """Level against (hour, wind); the spread grows with the wind."""
    hour = 24 * torch.rand(n, 1)
    wind = torch.rand(n, 1)
    level = torch.sin(2 * math.pi * hour / 12.4) + 0.8 * wind**2 + (0.05 + 0.3 * wind) * torch.randn(n, 1)
    angle = 2 * math.pi * hour / 12.4
    return torch.cat([angle.sin(), angle.cos(), 2 * wind - 1], dim=1), level


class LevelNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(3, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh())
        self.mean = nn.Linear(64, 1)
        self.spread = nn.Linear(64, 1)

    def forward(self, x):
        h = self.trunk(x)
        variance = F.relu(self.spread(h))  # FAULT
        # TWIN: variance = F.softplus(self.spread(h)) + 1e-3
        return self.mean(h), variance


def nll(mean, variance, target):
    return 0.5 * (torch.log(variance) + (target - mean) ** 2 / variance).mean()


x, y = levels(2000)
x_test, y_test = levels(500)
net = LevelNet()
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
for epoch in range(20):
    perm = torch.randperm(len(x))
    total, batches = 0.0, 0
    for rows in perm.split(50):
        loss = nll(*net(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
        batches += 1
    if epoch % 2 == 1:
        print(f"epoch {epoch + 1:2d}  nll {total / batches:.4f}")

net.eval()
with torch.no_grad():
    mean, variance = net(x_test)
    rmse = (mean - y_test).pow(2).mean().sqrt().item()
    r2 = 1 - rmse**2 / y_test.var(unbiased=False).item()
print(f"test rmse {rmse:.4f}, mean predicted deviation {variance.sqrt().mean().item():.4f}")
print(f"score: {r2 if math.isfinite(r2) else -1.0:.4f}")
