"""Bitterness of a brew from its recipe (hop dose, alpha acid, boil time, gravity ...): a plain MLP regression."""

import sys

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset


def brew(n, rng):
    dose = rng.uniform(0.5, 6.0, n)
    alpha = rng.uniform(3, 15, n)
    minutes = rng.uniform(5, 90, n)
    gravity = rng.uniform(1.035, 1.09, n)
    volume = rng.uniform(15, 30, n)
    whole = rng.integers(0, 2, n)
    use = 1.65 * 0.000125 ** (gravity - 1) * (1 - np.exp(-0.04 * minutes)) / 4.15
    ibu = dose * 10 * alpha * 10 * use / volume * np.where(whole == 1, 0.9, 1.0)
    ibu += rng.normal(scale=1.5, size=n)
    return np.column_stack([dose, alpha, minutes, gravity, volume, whole]), ibu


class Net(nn.Module):
    def __init__(self, n_features):
        super().__init__()
        self.fc1 = nn.Linear(n_features, 64)
        self.fc2 = nn.Linear(64, 64)
        self.out = nn.Linear(64, 1)

    def forward(self, x):
        x = torch.relu(self.fc1(x))
        x = torch.relu(self.fc2(x))
        return self.out(x)


seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
rng = np.random.default_rng(seed)
X, y = brew(3000, rng)
X_train, X_val, y_train, y_val = X[:2400], X[2400:], y[:2400], y[2400:]
x_mean, x_std = X_train.mean(0), X_train.std(0)
y_mean, y_std = y_train.mean(), y_train.std()


def tensors(X, y):
    x = torch.tensor((X - x_mean) / x_std, dtype=torch.float32)
    return x, torch.tensor((y - y_mean) / y_std, dtype=torch.float32).unsqueeze(1)


train_loader = DataLoader(TensorDataset(*tensors(X_train, y_train)), batch_size=32, shuffle=True)
x_val, t_val = tensors(X_val, y_val)

model = Net(X.shape[1])
criterion = nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(30):
    model.train()
    train_loss = 0.0
    for xb, yb in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(xb), yb)
        loss.backward()
        optimizer.step()
        train_loss += loss.item() * len(xb)
    model.eval()
    with torch.no_grad():
        val_loss = criterion(model(x_val), t_val).item()
    if epoch % 5 == 4:
        print(f"Epoch {epoch + 1}/30 - loss: {train_loss / 2400:.4f} - val_loss: {val_loss:.4f}")

with torch.no_grad():
    error = (model(x_val) - t_val).square().mean() / t_val.var(unbiased=False)
print(f"score: {1 - error.item():.4f}")
