"""Wear of tram brake pads from eight numbers of the past month; a plain multilayer perceptron."""

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
rng = np.random.default_rng(seed)

# distance, stops, passengers, slope, rain days, mean speed, pad age, tram weight
rows = 5000
distance = rng.normal(3000, 600, rows)
stops = distance * rng.uniform(1.5, 2.5, rows)
passengers = rng.gamma(4, 9000, rows)
slope = rng.uniform(0, 4, rows)
rain = rng.integers(0, 25, rows)
speed = rng.normal(19, 3, rows)
age = rng.uniform(0, 24, rows)
weight = rng.choice([28.0, 36.0, 42.0], rows)
wear = (
    0.0004 * stops * (speed / 19) ** 2 * (weight / 36) * (1 + 0.15 * slope)
    + 0.00001 * passengers
    + 0.02 * rain
    + 0.01 * np.maximum(age - 12, 0)
    + rng.normal(0, 0.15, rows)
)
features = np.stack([distance, stops, passengers, slope, rain, speed, age, weight], axis=1)

train, test = slice(0, 4000), slice(4000, rows)
mean, std = features[train].mean(0), features[train].std(0)
wear_mean, wear_std = wear[train].mean(), wear[train].std()
X = torch.tensor((features - mean) / std, dtype=torch.float32)
y = torch.tensor((wear - wear_mean) / wear_std, dtype=torch.float32).unsqueeze(1)
loader = DataLoader(TensorDataset(X[train], y[train]), batch_size=32, shuffle=True)

model = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 1))
criterion = nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

for epoch in range(15):
    model.train()
    epoch_loss = 0.0
    for inputs, targets in loader:
        optimizer.zero_grad()
        loss = criterion(model(inputs), targets)
        loss.backward()
        optimizer.step()
        epoch_loss += loss.item() * inputs.size(0)
    model.eval()
    with torch.no_grad():
        test_loss = criterion(model(X[test]), y[test]).item()
    print(f"Epoch {epoch + 1:2d}  train loss {epoch_loss / 4000:.4f}  test loss {test_loss:.4f}")

r2 = 1 - test_loss / y[test].var().item()
print(f"mean error in millimetres: {((model(X[test]) - y[test]).abs().mean() * wear_std).item():.3f}")
print(f"score: {r2:.4f}")
