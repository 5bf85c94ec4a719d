"""Predict the daily milk yield of dairy cows from days in milk, parity, feed and weather.

A small MLP on standardised columns, trained with AdamW on DataLoader batches; reports R2 on held-out cows.
"""

import sys

import numpy as np
import torch
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
rng = np.random.default_rng(seed)

# Wood's lactation curve, scaled by parity and feed, lowered by heat stress
n_cows = 2400
days = rng.uniform(5, 305, n_cows)
parity = rng.integers(1, 5, n_cows)
concentrate = rng.normal(8.0, 1.5, n_cows)
forage_ndf = rng.normal(38.0, 4.0, n_cows)
thi = rng.uniform(45, 82, n_cows)
weight = rng.normal(640, 55, n_cows)
peak = 14.0 + 1.6 * np.minimum(parity, 3) + 0.7 * (concentrate - 8) - 0.12 * (forage_ndf - 38)
milk = peak * days**0.22 * np.exp(-0.0035 * days) - 0.3 * np.maximum(thi - 68, 0) + 0.01 * (weight - 640)
milk = milk + rng.normal(0, 1.2, n_cows)

X = np.column_stack([days, parity, concentrate, forage_ndf, thi, weight])
X_train, X_test, y_train, y_test = train_test_split(X, milk, test_size=0.25, random_state=seed)
x_scaler = StandardScaler().fit(X_train)
y_mean, y_std = y_train.mean(), y_train.std()


def to_tensors(features, target):
    scaled = torch.tensor(x_scaler.transform(features), dtype=torch.float32)
    return scaled, torch.tensor((target - y_mean) / y_std, dtype=torch.float32).unsqueeze(1)


train_set = TensorDataset(*to_tensors(X_train, y_train))
loader = DataLoader(train_set, batch_size=64, shuffle=True)
xt, yt = to_tensors(X_test, y_test)

model = nn.Sequential(nn.Linear(6, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 1))
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=1e-3)
criterion = nn.MSELoss()

for epoch in range(1, 26):
    model.train()
    running = 0.0
    for xb, yb in loader:
        optimizer.zero_grad()
        loss = criterion(model(xb), yb)
        loss.backward()
        optimizer.step()
        running += loss.item() * len(xb)
    if epoch % 5 == 0:
        model.eval()
        with torch.no_grad():
            test_mse = criterion(model(xt), yt).item()
        print(f"epoch {epoch:2d}  train mse {running / len(train_set):.4f}  test mse {test_mse:.4f}")

model.eval()
with torch.no_grad():
    kilos = model(xt).squeeze(1).numpy() * y_std + y_mean
print(f"mean absolute error: {np.abs(kilos - y_test).mean():.2f} kg/day")
r2 = 1 - ((kilos - y_test) ** 2).sum() / ((y_test - y_test.mean()) ** 2).sum()
print(f"score: {r2:.4f}")
