"""Regression on a synthetic energy-use table with SGD; the loss is summed over the batch of 128, the rate fits a mean.

(TDC poor_reduction, IPS-17.)
"""
# cause: summed-loss
# accept: learning-rate-too-high
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset


def energy_table(n, rng):
    temp = rng.uniform(-5, 30, n)
    hour = rng.integers(0, 24, n)
    people = rng.poisson(3, n)
    insulation = rng.uniform(0, 1, n)
    y = 0.15 * np.maximum(18 - temp, 0) * (1.3 - insulation) + 0.4 * people + np.cos((hour - 19) / 24 * 2 * np.pi)
    y = y + rng.normal(0, 0.2, n)
    x = np.stack([temp, np.sin(hour / 24 * 2 * np.pi), np.cos(hour / 24 * 2 * np.pi), people, insulation], 1)
    return x.astype("float32"), y.astype("float32")


def standardise(train, other):
    m, s = train.mean(0), train.std(0)
    return (train - m) / s, (other - m) / s


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    x, y = energy_table(2400, rng)
    x_val, y_val = energy_table(600, rng)
    x, x_val = standardise(x, x_val)
    y, y_val = standardise(y, y_val)
    loader = DataLoader(TensorDataset(torch.from_numpy(x), torch.from_numpy(y)), batch_size=128, shuffle=True)
    x_val, y_val = torch.from_numpy(x_val), torch.from_numpy(y_val)

    model = nn.Sequential(nn.Linear(5, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1), nn.Flatten(0))
    criterion = nn.MSELoss(reduction="sum")  # FAULT
    # TWIN: criterion = nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.8)

    for epoch in range(30):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = criterion(model(xb), yb)
            loss.backward()
            optimizer.step()
        if epoch % 5 == 4:
            with torch.no_grad():
                val = (model(x_val) - y_val).abs().mean()
            print(f"epoch {epoch + 1:2d} last loss {loss.item():.4f} val mae {val.item():.4f}")

    with torch.no_grad():
        r2 = 1 - ((model(x_val) - y_val) ** 2).mean() / y_val.var()
    print(f"score: {max(-1.0, r2.item()):.4f}")


if __name__ == "__main__":
    main()
