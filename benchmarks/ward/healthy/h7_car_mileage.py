"""Fuel economy of made-up cars from their weight, power, age and number of cylinders: a small MLP on a standardised
table, Adam with a step schedule, validation error in miles per gallon.
"""

import argparse

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)


def make_cars(n, rng):
    cylinders = rng.choice([4, 6, 8], size=n, p=[0.55, 0.2, 0.25])
    displacement = 28 * cylinders + rng.normal(0, 18, n)
    horsepower = 20 + 0.42 * displacement + rng.normal(0, 12, n)
    weight = 1300 + 8.5 * displacement + rng.normal(0, 230, n)
    year = rng.integers(70, 83, n)
    mpg = 45000 / (weight + 6 * horsepower) + 13 + 0.6 * (year - 76) + rng.normal(0, 1.2, n)
    one_hot = np.stack([cylinders == c for c in (4, 6, 8)], axis=1)
    numeric = np.stack([displacement, horsepower, weight, year], axis=1)
    return numeric.astype(np.float32), one_hot.astype(np.float32), mpg.astype(np.float32)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", type=int, nargs="?", default=0)
    parser.add_argument("--epochs", type=int, default=30)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    numeric, one_hot, mpg = make_cars(2000, np.random.default_rng(args.seed))

    n_train = 1500
    mean, std = numeric[:n_train].mean(0), numeric[:n_train].std(0)
    x = torch.from_numpy(np.concatenate([(numeric - mean) / std, one_hot], axis=1))
    y_mean, y_std = float(mpg[:n_train].mean()), float(mpg[:n_train].std())
    y = torch.from_numpy((mpg - y_mean) / y_std).unsqueeze(1)
    train_loader = DataLoader(TensorDataset(x[:n_train], y[:n_train]), batch_size=50, shuffle=True)
    x_val, y_val = x[n_train:], y[n_train:]

    model = nn.Sequential(nn.Linear(7, 24), nn.ReLU(), nn.Linear(24, 24), nn.ReLU(), nn.Linear(24, 1))
    criterion = nn.MSELoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=10, gamma=0.4)

    for epoch in range(args.epochs):
        model.train()
        running = 0.0
        for xb, yb in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(xb), yb)
            loss.backward()
            optimizer.step()
            running += loss.item() * len(xb)
        scheduler.step()
        model.eval()
        with torch.no_grad():
            val_mse = criterion(model(x_val), y_val).item()
        rmse = val_mse**0.5 * y_std
        print(f"Epoch {epoch + 1:2d}: train {running / n_train:.4f}  val {val_mse:.4f}  (val RMSE {rmse:.2f} mpg)")

    r2 = 1 - val_mse / y_val.var(unbiased=False).item()
    print(f"score: {r2:.4f}")


if __name__ == "__main__":
    main()
