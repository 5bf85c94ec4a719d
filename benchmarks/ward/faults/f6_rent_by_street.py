"""Rent from a flat's numbers and its district (an embedding); manual minibatches and the Huber loss.

Predictions are (N, 1) and targets (N,), so the loss compares every prediction with every target of the batch.
"""
# cause: broadcast-loss
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
rng = np.random.default_rng(seed)

N, DISTRICTS = 3000, 20
district = rng.integers(0, DISTRICTS, N)
level = rng.normal(11, 2, DISTRICTS)
area = rng.gamma(9, 8, N)
rooms = np.clip((area / 24 + rng.normal(0, 0.5, N)).round(), 1, 6)
floor = rng.integers(0, 6, N)
age = rng.uniform(0, 90, N)
rent = area * level[district] * (1 - 0.003 * age) + 25 * floor + 40 * rooms + rng.normal(0, 60, N)
numbers = np.stack([area, rooms, floor, age], 1)


def scale(a, rows):
    return ((a - a[rows].mean(0)) / a[rows].std(0)).astype("float32")


rows = rng.permutation(N)
train_rows, test_rows = rows[:2400], rows[2400:]
numbers = torch.from_numpy(scale(numbers, train_rows))
target = torch.from_numpy(scale(rent, train_rows))
district = torch.from_numpy(district)


class RentModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.place = nn.Embedding(DISTRICTS, 6)
        self.mlp = nn.Sequential(nn.Linear(10, 64), nn.GELU(), nn.Linear(64, 32), nn.GELU(), nn.Linear(32, 1))

    def forward(self, numbers, district):
        z = torch.cat([numbers, self.place(district)], dim=1)
        return self.mlp(z)  # FAULT
        # TWIN: return self.mlp(z).squeeze(1)


model = RentModel()
huber = nn.SmoothL1Loss()
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=1e-4)
train_rows, test_rows = torch.from_numpy(train_rows), torch.from_numpy(test_rows)

for epoch in range(14):
    losses = []
    for idx in train_rows[torch.randperm(len(train_rows))].split(64):
        optimizer.zero_grad()
        loss = huber(model(numbers[idx], district[idx]), target[idx])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    print(f"epoch {epoch}: huber {np.mean(losses):.4f}")

with torch.no_grad():
    pred = model(numbers[test_rows], district[test_rows]).flatten()
truth = target[test_rows]
print(f"score: {1 - ((pred - truth) ** 2).sum().item() / ((truth - truth.mean()) ** 2).sum().item():.4f}")
