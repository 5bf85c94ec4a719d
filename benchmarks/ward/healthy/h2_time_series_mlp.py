"""Forecast of a seasonal series with trend: an MLP on windows of the last 24 values, split in time, not at random."""

import argparse

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)


def make_series(n, rng):
    t = np.arange(n)
    noise = np.zeros(n)
    for i in range(1, n):
        noise[i] = 0.6 * noise[i - 1] + 0.2 * rng.normal()
    return 0.001 * t + np.sin(2 * np.pi * t / 12) + 0.5 * np.sin(2 * np.pi * t / 30 + 1) + noise


def make_windows(series, length):
    windows = np.lib.stride_tricks.sliding_window_view(series, length + 1)
    return torch.tensor(windows[:, :-1].copy()), torch.tensor(windows[:, -1:].copy())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", nargs="?", type=int, default=0)
    parser.add_argument("--window", type=int, default=24)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    series = make_series(1800, np.random.default_rng(args.seed)).astype(np.float32)
    train, test = series[:1400], series[1400 - args.window :]
    mean, std = train.mean(), train.std()
    x_train, y_train = make_windows((train - mean) / std, args.window)
    x_test, y_test = make_windows((test - mean) / std, args.window)
    loader = DataLoader(TensorDataset(x_train, y_train), batch_size=64, shuffle=True)

    model = nn.Sequential(nn.Linear(args.window, 32), nn.ReLU(), nn.Linear(32, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3, weight_decay=1e-4)
    loss_fn = nn.HuberLoss()
    for epoch in range(1, 41):
        model.train()
        losses = []
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = loss_fn(model(xb), yb)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        if epoch % 8 == 0:
            print(f"epoch {epoch} huber {np.mean(losses):.4f}")

    model.eval()
    with torch.no_grad():
        forecast = model(x_test)
    mse = (forecast - y_test).pow(2).mean().item()
    naive = (x_test[:, -1:] - y_test).pow(2).mean().item()
    print(f"test mse {mse:.4f}, naive forecast (last value) {naive:.4f}")
    print(f"score: {1 - mse / y_test.var().item():.4f}")


if __name__ == "__main__":
    main()
