"""Poisson regression of bike-rental-like counts on weather and hour features, PoissonNLLLoss with log input."""

import sys

import numpy as np
import torch
from torch import nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
rng = np.random.default_rng(seed)

n = 2400
hour = rng.uniform(0, 24, n)
temp = rng.normal(15, 7, n)
rain = (rng.random(n) < 0.25).astype(float)
rate = np.exp(1.0 + 0.8 * np.sin((hour - 9) / 24 * 2 * np.pi) + 0.05 * (temp - 15) - 0.9 * rain)
counts = rng.poisson(rate)

features = np.stack([np.sin(hour / 24 * 2 * np.pi), np.cos(hour / 24 * 2 * np.pi), (temp - 15) / 7, rain], axis=1)
X = torch.tensor(features, dtype=torch.float32)
y = torch.tensor(counts, dtype=torch.float32)
X_train, X_test, y_train, y_test = X[:1800], X[1800:], y[:1800], y[1800:]

model = nn.Sequential(nn.Linear(4, 24), nn.ReLU(), nn.Linear(24, 1), nn.Flatten(0))
criterion = nn.PoissonNLLLoss(log_input=True)
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)

for epoch in range(25):
    order = torch.randperm(1800)
    epoch_loss = 0.0
    for b in order.split(60):
        optimizer.zero_grad()
        loss = criterion(model(X_train[b]), y_train[b])
        loss.backward()
        optimizer.step()
        epoch_loss += loss.item() * len(b)
    if epoch % 5 == 4:
        with torch.no_grad():
            test_loss = criterion(model(X_test), y_test).item()
            print(f"epoch {epoch + 1}: train {epoch_loss / 1800:.4f} test {test_loss:.4f}")


def deviance(mu, y):
    return 2 * (torch.xlogy(y, y / mu) - (y - mu)).mean()


with torch.no_grad():
    explained = 1 - deviance(model(X_test).exp(), y_test) / deviance(y_train.mean().expand_as(y_test), y_test)
print(f"score: {explained.item():.4f}")
