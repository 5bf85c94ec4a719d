"""Hourly bike rentals from a table with a Unix timestamp and raw weather columns, all given to the network as they are
(1.5e9 beside 0.6)."""
# cause: unscaled-inputs
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def make_table(n, rng):
    stamp = 1_500_000_000 + rng.integers(0, 2 * 365 * 24, n) * 3600
    hour = stamp // 3600 % 24
    temperature = 285 + 9 * np.sin(2 * np.pi * stamp / (365.25 * 86400)) + rng.normal(0, 3, n)
    pressure = rng.normal(101_300, 900, n)
    humidity = rng.uniform(0.2, 1.0, n)
    day = np.sin(np.pi * np.clip((hour - 6) / 16, 0, 1))
    rentals = 300 * day * (1.2 - humidity) + 12 * (temperature - 285) * (0.3 + day) + 0.02 * (pressure - 101_300)
    rentals += 120 * (stamp - 1_500_000_000) / 6.3e7 + rng.normal(0, 15, n)
    return np.stack([stamp, hour, temperature, pressure, humidity], axis=1), rentals


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    table, rentals = make_table(2400, rng)
    # TWIN: table = (table - table[:1800].mean(axis=0)) / table[:1800].std(axis=0)
    rentals = (rentals - rentals[:1800].mean()) / rentals[:1800].std()
    X = torch.tensor(table, dtype=torch.float32)
    y = torch.tensor(rentals, dtype=torch.float32).unsqueeze(1)
    loader = DataLoader(TensorDataset(X[:1800], y[:1800]), batch_size=64, shuffle=True)
    X_val, y_val = X[1800:], y[1800:]

    model = nn.Sequential(nn.Linear(5, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
    criterion = nn.MSELoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(1, 31):
        model.train()
        total = 0.0
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = criterion(model(xb), yb)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(xb)
        model.eval()
        with torch.no_grad():
            val = criterion(model(X_val), y_val).item()
        if epoch % 3 == 0:
            print(f"epoch {epoch:2d}: train mse {total / 1800:.5g} val mse {val:.5g}")
    print(f"score: {1 - val / y_val.var().item():.4f}")


if __name__ == "__main__":
    main()
