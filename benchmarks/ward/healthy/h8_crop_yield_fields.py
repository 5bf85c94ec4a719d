"""Maize yield (t/ha) per field from rain, temperature, soil and fertiliser.

A small MLP on a synthetic agronomy table, AdamW with DataLoaders, reported as R2 on fields it never saw.
"""

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)


def make_fields(rng, n):
    rain = rng.gamma(9.0, 55.0, n)
    temp = rng.normal(19.0, 2.5, n)
    nitrogen = rng.uniform(0, 220, n)
    organic = rng.uniform(1.0, 5.0, n)
    clay = rng.uniform(5, 45, n)
    irrigated = (rng.random(n) < 0.35).astype(float)
    water = np.where(irrigated > 0, np.maximum(rain, 520), rain)
    response = 1.0 - np.exp(-(nitrogen + 25 * organic) / 90)
    stress = np.exp(-(((water - 560) / 320) ** 2)) * np.exp(-(((temp - 20) / 6) ** 2))
    yields = 12.5 * response * stress - 0.001 * (clay - 25) ** 2 + rng.normal(0, 0.35, n)
    return np.stack([rain, temp, nitrogen, organic, clay, irrigated], axis=1), yields


class YieldNet(nn.Module):
    def __init__(self, n_inputs):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(n_inputs, 48), nn.ReLU(), nn.Linear(48, 24), nn.ReLU())
        self.head = nn.Linear(24, 1)

    def forward(self, x):
        return self.head(self.body(x)).squeeze(-1)


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    table, target = make_fields(rng, 2600)
    train, val, test = slice(0, 1800), slice(1800, 2200), slice(2200, 2600)

    mean, std = table[train].mean(0), table[train].std(0)
    y_mean, y_std = target[train].mean(), target[train].std()
    x = torch.tensor((table - mean) / std, dtype=torch.float32)
    y = torch.tensor((target - y_mean) / y_std, dtype=torch.float32)

    train_loader = DataLoader(TensorDataset(x[train], y[train]), batch_size=64, shuffle=True)
    val_loader = DataLoader(TensorDataset(x[val], y[val]), batch_size=200)
    model = YieldNet(x.shape[1])
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=1e-3)
    criterion = nn.MSELoss()

    for epoch in range(30):
        model.train()
        running = 0.0
        for xb, yb in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(xb), yb)
            loss.backward()
            optimizer.step()
            running += loss.item() * len(xb)
        model.eval()
        with torch.no_grad():
            val_loss = sum(criterion(model(xb), yb).item() * len(xb) for xb, yb in val_loader) / 400
        if epoch % 5 == 4:
            print(f"epoch {epoch + 1:2d}  train {running / 1800:.4f}  val {val_loss:.4f}")

    with torch.no_grad():
        pred = model(x[test])
    r2 = 1 - ((pred - y[test]) ** 2).sum() / ((y[test] - y[test].mean()) ** 2).sum()
    rmse = ((pred - y[test]) ** 2).mean().sqrt().item() * y_std
    print(f"test RMSE {rmse:.2f} t/ha")
    print(f"score: {r2.item():.4f}")


if __name__ == "__main__":
    main()
