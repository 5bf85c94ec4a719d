"""House price regression with a plain MLP and mean squared error.

Fault: prices (around 3e5) are the regression targets as they are, not scaled.
"""
# cause: unscaled-targets
# kind: dynamic

import argparse

import numpy as np
import torch
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def make_houses(n, rng):
    area = rng.uniform(40, 240, n)
    rooms = np.clip(np.round(area / 28 + rng.normal(0, 0.8, n)), 1, None)
    age = rng.uniform(0, 90, n)
    distance = rng.exponential(6.0, n)
    quality = rng.integers(1, 11, n)
    price = 1400 * area * (0.6 + 0.08 * quality) * np.exp(-0.04 * distance) - 900 * age + 6000 * rooms + 120000
    price += rng.normal(0, 9000, n)
    return np.column_stack([area, rooms, age, distance, quality]), price


def main():
    parser = argparse.ArgumentParser(description="house prices")
    parser.add_argument("seed", type=int, nargs="?", default=0)
    parser.add_argument("--epochs", type=int, default=30)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)

    X, y = make_houses(1500, np.random.default_rng(args.seed))
    X = StandardScaler().fit(X[:1200]).transform(X)
    # TWIN: y = (y - y[:1200].mean()) / y[:1200].std()
    X = torch.tensor(X, dtype=torch.float32)
    y = torch.tensor(y, dtype=torch.float32).reshape(-1, 1)
    train_loader = DataLoader(TensorDataset(X[:1200], y[:1200]), batch_size=32, shuffle=True)
    X_val, y_val = X[1200:], y[1200:]

    model = nn.Sequential(nn.Linear(5, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    criterion = nn.MSELoss()
    for epoch in range(1, args.epochs + 1):
        model.train()
        epoch_losses = []
        for xb, yb in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(xb), yb)
            loss.backward()
            optimizer.step()
            epoch_losses.append(loss.item())
        model.eval()
        with torch.no_grad():
            val_loss = criterion(model(X_val), y_val).item()
        print(f"Epoch {epoch}/{args.epochs} - loss: {np.mean(epoch_losses):.4f} - val_loss: {val_loss:.4f}")
    r2 = 1 - val_loss / y_val.var(unbiased=False).item()
    print(f"score: {r2:.4f}")


if __name__ == "__main__":
    main()
