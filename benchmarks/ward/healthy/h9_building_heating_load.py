"""Heating load of a building from eight design features. sklearn split and StandardScaler, MSE on the scaled
target, R2 on the held-out buildings in the original unit."""

import sys

import numpy as np
import torch
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
rng = np.random.default_rng(seed)

n = 900
compactness = rng.uniform(0.6, 1.0, n)
wall = rng.uniform(240, 420, n)
roof = rng.uniform(110, 220, n)
height = rng.choice([3.5, 7.0], n)
orientation = rng.integers(2, 6, n)
glazing = rng.choice([0.0, 0.1, 0.25, 0.4], n)
glazing_side = rng.integers(0, 6, n)
insulation = rng.uniform(0.1, 1.0, n)
load = (
    5
    + 2.4 * height
    + 0.03 * wall * (1.1 - insulation)
    + 22 * glazing * (1 + 0.15 * (orientation == 3))
    - 14 * (compactness - 0.8)
    + 0.02 * roof * (height > 5)
    + rng.normal(0, 0.8, n)
)
X = np.column_stack([compactness, wall, roof, height, orientation, glazing, glazing_side, insulation])
X_train, X_test, y_train, y_test = train_test_split(X, load, test_size=0.2, random_state=seed)

x_scaler = StandardScaler().fit(X_train)
y_scaler = StandardScaler().fit(y_train[:, None])
X_train_t = torch.tensor(x_scaler.transform(X_train), dtype=torch.float32)
X_test_t = torch.tensor(x_scaler.transform(X_test), dtype=torch.float32)
y_train_t = torch.tensor(y_scaler.transform(y_train[:, None]), dtype=torch.float32)

model = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 1))
loss_fn = nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.002)

n_epochs, batch_size = 50, 24
history = []
for epoch in range(n_epochs):
    order = torch.randperm(len(X_train_t))
    losses = []
    for start in range(0, len(order), batch_size):
        idx = order[start : start + batch_size]
        y_pred = model(X_train_t[idx])
        loss = loss_fn(y_pred, y_train_t[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    history.append(np.mean(losses))
    if (epoch + 1) % 10 == 0:
        print(f"epoch {epoch + 1}/{n_epochs}  mse {history[-1]:.4f}")

model.eval()
with torch.no_grad():
    prediction = y_scaler.inverse_transform(model(X_test_t).numpy())[:, 0]
print(f"test RMSE: {np.sqrt(np.mean((prediction - y_test) ** 2)):.3f} kWh/m2")
print(f"score: {r2_score(y_test, prediction):.4f}")
