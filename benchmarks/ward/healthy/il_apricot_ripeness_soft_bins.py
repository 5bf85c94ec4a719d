"""Ripeness of apricots as a distribution over 21 bins: the target is a bump that also covers the neighbours, the guess
is the mean of the predicted distribution. The cross-entropy cannot fall below the entropy of the bumps."""

import sys

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

BINS = torch.linspace(-2.5, 2.5, 21)
WIDTH = 0.3


def soft(values):
    return torch.softmax(-((values.unsqueeze(1) - BINS) ** 2) / (2 * WIDTH**2), dim=1)


def fruit(count, rng, weights):
    x = rng.normal(size=(count, 10))
    y = np.tanh(x @ weights[0]) + 0.6 * np.sin(x @ weights[1]) + rng.normal(0, 0.1, count)
    return torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)


seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
rng = np.random.default_rng(seed)
weights = rng.normal(0, 0.4, (2, 10))
x, y = fruit(5000, rng, weights)
test_x, test_y = fruit(1000, rng, weights)

net = nn.Sequential(nn.Linear(10, 64), nn.ELU(), nn.Linear(64, 64), nn.ELU(), nn.Linear(64, len(BINS)))
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
targets = soft(y)
floor = -(targets * targets.log()).sum(1).mean().item()
print(f"entropy of the targets {floor:.4f}")
for epoch in range(15):
    if epoch == 10:
        optimizer.param_groups[0]["lr"] = 5e-4
    net.train()
    running = 0.0
    for rows in torch.randperm(len(x)).split(64):
        loss = F.cross_entropy(net(x[rows]), targets[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        running += loss.item() * len(rows) / len(x)
    net.eval()
    with torch.no_grad():
        guess = net(test_x).softmax(1) @ BINS
    r2 = 1 - ((guess - test_y).pow(2).mean() / test_y.var()).item()
    print(f"epoch {epoch + 1}: cross-entropy {running:.4f}, R2 of the mean {r2:.4f}")
print(f"score: {r2:.4f}")
