"""Hourly bike rentals from the weather and the calendar: a small MLP regression with Adam and a validation split."""

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)


def make_rentals(rng, n=3200):
    hour = rng.integers(0, 24, n)
    working = (rng.random(n) < 0.7).astype(float)
    season = rng.uniform(0, 2 * np.pi, n)
    temp = 12 - 10 * np.cos(season) + 4 * np.sin((hour - 9) / 24 * 2 * np.pi) + rng.normal(0, 3, n)
    humidity = np.clip(rng.normal(65, 15, n), 15, 100)
    wind = rng.gamma(3, 4, n)
    commute = np.exp(-((hour - 8) ** 2) / 3) + np.exp(-((hour - 17.5) ** 2) / 5)
    leisure = np.exp(-((hour - 14) ** 2) / 18)
    demand = working * 320 * commute + (1 - working) * 280 * leisure + 40
    demand = demand * (0.4 + 0.04 * np.clip(temp, 0, 28)) * (1.3 - 0.006 * humidity) - 0.8 * wind
    count = np.clip(demand + rng.normal(0, 12, n), 0, None)
    angle = hour / 24 * 2 * np.pi
    waves = [f(k * angle) for k in (1, 2, 3) for f in (np.sin, np.cos)]
    return np.stack([*waves, np.sin(season), np.cos(season), working, temp, humidity, wind], 1), count


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    x, y = make_rentals(np.random.default_rng(seed))
    n_train = 2500
    mean, std = x[:n_train].mean(0), x[:n_train].std(0)
    y_mean, y_std = y[:n_train].mean(), y[:n_train].std()
    x = torch.tensor((x - mean) / std, dtype=torch.float32)
    y = torch.tensor((y - y_mean) / y_std, dtype=torch.float32).unsqueeze(1)
    train_loader = DataLoader(TensorDataset(x[:n_train], y[:n_train]), batch_size=64, shuffle=True)
    val_loader = DataLoader(TensorDataset(x[n_train:], y[n_train:]), batch_size=256)

    model = nn.Sequential(nn.Linear(12, 48), nn.ReLU(), nn.Linear(48, 24), nn.ReLU(), nn.Linear(24, 1))
    criterion = nn.MSELoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)

    for epoch in range(1, 23):
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
            val = sum(criterion(model(xb), yb).item() * len(xb) for xb, yb in val_loader) / (len(x) - n_train)
        print(f"Epoch {epoch:2d} | train MSE {running / n_train:.4f} | val MSE {val:.4f}")

    with torch.no_grad():
        pred = model(x[n_train:])
    r2 = 1 - ((pred - y[n_train:]) ** 2).sum() / ((y[n_train:] - y[n_train:].mean()) ** 2).sum()
    print(f"RMSE in bikes: {val**0.5 * y_std:.1f}")
    print(f"score: {r2.item():.4f}")


if __name__ == "__main__":
    main()
