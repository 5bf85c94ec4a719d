"""Predicts machine state from five sensors, the fourth of which has gaps (NaN) in about 2 % of the rows.

The gaps go into the network as they are.
"""
# cause: non-finite-input
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
rng = np.random.default_rng(seed)

n = 2000
state = rng.integers(0, 3, n)
load = rng.uniform(0.2, 1.0, n) + 0.3 * (state == 1)
temperature = 40 + 25 * load + 12 * (state == 2) + rng.normal(0, 2, n)
vibration = np.abs(rng.normal(0.3 + 0.5 * (state == 1), 0.1, n))
pressure = 5 + 2 * load - 1.2 * (state == 2) + rng.normal(0, 0.3, n)
speed = 1500 - 200 * (state == 1) + rng.normal(0, 60, n)
X = np.stack([load, temperature, vibration, pressure, speed], axis=1)
X[rng.random(n) < 0.02, 3] = np.nan  # the pressure logger drops out now and then
# TWIN: X[:, 3] = np.where(np.isnan(X[:, 3]), np.nanmedian(X[:1500, 3]), X[:, 3])

mean, std = np.nanmean(X[:1500], axis=0), np.nanstd(X[:1500], axis=0)
X = torch.tensor((X - mean) / std, dtype=torch.float32)
y = torch.tensor(state)
train_loader = DataLoader(TensorDataset(X[:1500], y[:1500]), batch_size=50, shuffle=True)
X_test, y_test = X[1500:], y[1500:]

model = nn.Sequential(nn.Linear(5, 32), nn.ReLU(), nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, 3))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.003)

for epoch in range(15):
    running_loss = 0.0
    for inputs, labels in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(inputs), labels)
        loss.backward()
        optimizer.step()
        running_loss += loss.item()
    print(f"epoch {epoch + 1}: {running_loss / len(train_loader):.4f}")

with torch.no_grad():
    accuracy = (model(X_test).argmax(dim=1) == y_test).float().mean().item()
print(f"score: {accuracy:.4f}")
