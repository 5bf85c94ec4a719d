"""Regression with 20 columns and noise, 100 training rows, a wide MLP, 300 epochs, validation each epoch.

The training error goes to nothing, the validation error turns up early (TDC missing_regularization).
"""
# cause: overfitting
# kind: dynamic

import argparse

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def get_data(seed, n):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 20)).astype(np.float32)
    y = x[:, 0] + 0.8 * np.tanh(2 * x[:, 1]) - 0.6 * x[:, 2] + 0.5 * np.maximum(x[:, 3], 0)
    y = (y + rng.normal(scale=0.6, size=n)).astype(np.float32)
    return TensorDataset(torch.from_numpy(x), torch.from_numpy(y[:, None]))


def fit(model, train_loader, val_loader, epochs):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    mse = nn.MSELoss()
    for epoch in range(epochs):
        model.train()
        train_loss = 0.0
        for x, y in train_loader:
            optimizer.zero_grad()
            loss = mse(model(x), y)
            loss.backward()
            optimizer.step()
            train_loss += loss.item() / len(train_loader)
        model.eval()
        with torch.no_grad():
            val_loss = sum(mse(model(x), y).item() for x, y in val_loader) / len(val_loader)
        if (epoch + 1) % max(1, epochs // 10) == 0:
            print(f"epoch {epoch + 1}: train_loss={train_loss:.4f} val_loss={val_loss:.4f}")
    return val_loss


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", type=int, nargs="?", default=0)
    seed = parser.parse_args().seed
    torch.set_num_threads(1)
    torch.manual_seed(seed)

    train_loader = DataLoader(get_data(seed, 100), batch_size=25, shuffle=True)  # FAULT
    # TWIN: train_loader = DataLoader(get_data(seed, 8000), batch_size=80, shuffle=True)
    val_loader = DataLoader(get_data(seed + 1000, 500), batch_size=500)
    model = nn.Sequential(nn.Linear(20, 256), nn.ReLU(), nn.Linear(256, 64), nn.ReLU(), nn.Linear(64, 1))
    epochs = 300  # FAULT
    # TWIN: epochs = 5
    val_loss = fit(model, train_loader, val_loader, epochs)
    print(f"score: {-val_loss:.4f}")


if __name__ == "__main__":
    main()
