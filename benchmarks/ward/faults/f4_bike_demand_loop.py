"""Hourly bike demand from weather and clock features, manual minibatches; gradients are never cleared between steps."""
# cause: missing-zero-grad
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
rng = np.random.default_rng(seed)

n = 2000
hour = rng.integers(0, 24, n)
temp = rng.normal(15, 8, n)
wind = rng.gamma(2.0, 3.0, n)
holiday = rng.random(n) < 0.3
demand = 60 + 40 * np.sin((hour - 8) / 24 * 2 * np.pi) + 3 * temp - 2 * wind - 25 * holiday + rng.normal(0, 8, n)
features = np.stack([np.sin(hour / 24 * 2 * np.pi), np.cos(hour / 24 * 2 * np.pi), temp, wind, holiday], axis=1)

order = rng.permutation(n)
train_idx, test_idx = order[:1600], order[1600:]
mu, sd = features[train_idx].mean(0), features[train_idx].std(0)
ymu, ysd = demand[train_idx].mean(), demand[train_idx].std()
X = torch.tensor((features - mu) / sd, dtype=torch.float32)
Y = torch.tensor((demand - ymu) / ysd, dtype=torch.float32).unsqueeze(1)
X_train, Y_train, X_test, Y_test = X[train_idx], Y[train_idx], X[test_idx], Y[test_idx]

model = nn.Sequential(nn.Linear(5, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.02)
loss_fn = nn.MSELoss()

for epoch in range(1, 21):
    perm = torch.randperm(len(X_train))
    running = 0.0
    for i in range(0, len(X_train), 50):
        batch = perm[i : i + 50]
        loss = loss_fn(model(X_train[batch]), Y_train[batch])
        # TWIN: optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        running += loss.item()
    print(f"Epoch {epoch:2d}: train mse {running / 32:.4f}")

with torch.no_grad():
    mse = loss_fn(model(X_test), Y_test).item()
print(f"test mse {mse:.4f}")
print(f"score: {1 - mse / Y_test.var().item():.4f}")
