"""Will a ferry be stopped by ice? One crossing in forty is; eighteen columns of weather, water and ship.

The score is the mean of the shares found among stopped crossings and among the others.
"""
# cause: class-imbalance
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
rng = np.random.default_rng(seed)


def crossings(n, direction):
    stopped = rng.random(n) < 0.025
    table = rng.normal(size=(n, 18)) + 0.5 * stopped[:, None] * direction
    table[:, 4] = np.where(stopped, np.abs(table[:, 4]), table[:, 4])
    return torch.tensor(table, dtype=torch.float32), torch.tensor(stopped, dtype=torch.float32)


def balanced(logits, stopped):
    said = logits > 0
    return ((said & (stopped > 0.5)).sum() / stopped.sum() + (~said & (stopped < 0.5)).sum() / (1 - stopped).sum()) / 2


direction = rng.choice([-1.0, 0.0, 1.0], 18)
x, y = crossings(16000, direction)
x_val, y_val = crossings(6000, direction)
loader = DataLoader(TensorDataset(x, y), batch_size=128, shuffle=True)  # FAULT
# TWIN: weights = torch.where(y > 0.5, 1 / y.sum(), 1 / (1 - y).sum())
# TWIN: sampler = torch.utils.data.WeightedRandomSampler(weights, len(y))
# TWIN: loader = DataLoader(TensorDataset(x, y), batch_size=128, sampler=sampler)

net = nn.Sequential(nn.Linear(18, 12), nn.Tanh(), nn.Linear(12, 1))
optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.1)
criterion = nn.BCEWithLogitsLoss()
print(f"{int(y.sum())} of {len(y)} crossings stopped")
for epoch in range(6):
    net.train()
    total = 0.0
    for rows, stopped in loader:
        loss = criterion(net(rows).squeeze(1), stopped)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    net.eval()
    with torch.no_grad():
        logits = net(x_val).squeeze(1)
        score = balanced(logits, y_val).item()
        right = ((logits > 0) == (y_val > 0.5)).float().mean().item()
    print(f"epoch {epoch + 1}: train {total / len(loader):.4f}, accuracy {right:.4f}, balanced {score:.4f}")
print(f"score: {score:.4f}")
