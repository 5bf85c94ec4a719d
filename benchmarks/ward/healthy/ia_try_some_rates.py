"""Tries some widths and rates for a few epochs each, on a validation set, and trains the best choice to the end."""

import itertools
import sys

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def rocks(n, w):
    x = torch.randn(n, 10)
    hardness = torch.tanh(x @ w[0]) @ w[1]
    return x, ((hardness + 0.3 * torch.randn(n)) / 1.5).unsqueeze(1)


def fit(data, val, width, lr, epochs):
    loader = DataLoader(data, batch_size=50, shuffle=True)
    model = nn.Sequential(nn.Linear(10, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    for _ in range(epochs):
        model.train()
        for x, y in loader:
            loss = nn.functional.mse_loss(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        schedule.step()
    return model, error(model, *val)


def error(model, x, y):
    model.eval()
    with torch.no_grad():
        return nn.functional.mse_loss(model(x), y).item()


def main():
    torch.set_num_threads(1)
    torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    w = torch.randn(10, 6) / 3, torch.randn(6)
    data, val, test = TensorDataset(*rocks(2500, w)), rocks(500, w), rocks(500, w)
    results = {}
    for width, lr in itertools.product((24, 48), (1e-3, 3e-3, 6e-3)):
        results[width, lr] = fit(data, val, width, lr, epochs=4)[1]
        print(f"width {width} lr {lr}: validation {results[width, lr]:.4f}")
    best = min(results, key=results.get)
    model, val_error = fit(data, val, *best, epochs=12)
    print(f"best {best} validation {val_error:.4f}")
    print(f"score: {1 - error(model, *test) / test[1].var().item():.4f}")


if __name__ == "__main__":
    main()
