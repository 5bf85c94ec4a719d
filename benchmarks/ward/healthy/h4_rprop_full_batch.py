"""Concrete-like strength regression trained full batch with Rprop, as in the old neural network toolboxes."""

import sys

import numpy as np
import torch
from torch import nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
rng = np.random.default_rng(seed)
torch.manual_seed(seed)

n = 1200
cement = rng.uniform(100, 540, n)
water = rng.uniform(120, 250, n)
age = rng.integers(1, 365, n)
strength = 18 * np.log1p(age) * (cement / water) ** 0.8 / 4 + rng.normal(0, 2, n)

table = np.column_stack([cement, water, np.log1p(age)])
table = (table - table[:900].mean(0)) / table[:900].std(0)
target = (strength - strength[:900].mean()) / strength[:900].std()
X, y = torch.from_numpy(table).float(), torch.from_numpy(target).float()[:, None]

net = nn.Sequential(nn.Linear(3, 12), nn.Tanh(), nn.Linear(12, 1))
optimizer = torch.optim.Rprop(net.parameters(), lr=0.01, step_sizes=(1e-6, 0.5))
loss_fn = nn.MSELoss()
for epoch in range(200):
    optimizer.zero_grad()
    loss = loss_fn(net(X[:900]), y[:900])
    loss.backward()
    optimizer.step()
    if (epoch + 1) % 25 == 0:
        with torch.no_grad():
            val = loss_fn(net(X[900:]), y[900:])
        print(f"epoch {epoch + 1}: mse {loss.item():.5f} validation {val.item():.5f}")

print(f"score: {1 - val.item() / y[900:].var().item():.4f}")
