"""Predict a material strength from eight mix ratios (synthetic table) with nn.MSELoss.

Fault: predictions have shape (N, 1) and targets (N,), so the loss broadcasts to an N x N matrix.
"""
# cause: broadcast-loss
# kind: dynamic

import sys

import torch
from sklearn.datasets import make_friedman1
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
torch.set_num_threads(1)

X, y = make_friedman1(n_samples=1400, n_features=8, noise=0.5, random_state=seed)
x_scaler = StandardScaler().fit(X[:1100])
y_mean, y_std = y[:1100].mean(), y[:1100].std()
X = torch.tensor(x_scaler.transform(X), dtype=torch.float32)
y = torch.tensor((y - y_mean) / y_std, dtype=torch.float32)  # FAULT
# TWIN: y = torch.tensor((y - y_mean) / y_std, dtype=torch.float32).unsqueeze(1)

train_dl = DataLoader(TensorDataset(X[:1100], y[:1100]), batch_size=44, shuffle=True)
test_dl = DataLoader(TensorDataset(X[1100:], y[1100:]), batch_size=300)

model = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Dropout(0.05), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 1))
criterion = nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)

for epoch in range(25):
    model.train()
    train_loss = 0.0
    for xb, yb in train_dl:
        optimizer.zero_grad()
        loss = criterion(model(xb), yb)
        loss.backward()
        optimizer.step()
        train_loss += loss.item() / len(train_dl)
    model.eval()
    with torch.no_grad():
        test_loss = sum(criterion(model(xb), yb).item() for xb, yb in test_dl) / len(test_dl)
    if (epoch + 1) % 5 == 0:
        print(f"Epoch {epoch + 1:3d}: train MSE {train_loss:.4f}, test MSE {test_loss:.4f}")

with torch.no_grad():
    pred = model(X[1100:]).flatten()
truth = y[1100:].flatten()
r2 = 1 - ((pred - truth) ** 2).mean() / truth.var(unbiased=False)
print(f"score: {r2.item():.4f}")
