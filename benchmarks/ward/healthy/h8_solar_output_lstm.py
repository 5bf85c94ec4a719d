"""Predict the next hour's output of a solar plant from the last 24 hours (synthetic series) with a one-layer LSTM."""

import argparse

import numpy as np
import torch
from torch import nn

torch.set_num_threads(1)


class SolarLSTM(nn.Module):
    def __init__(self, n_features=4, hidden_size=32):
        super().__init__()
        self.lstm = nn.LSTM(n_features, hidden_size, batch_first=True)
        self.fc = nn.Linear(hidden_size, 1)

    def forward(self, x):
        out, _ = self.lstm(x)
        return self.fc(out[:, -1, :]).squeeze(-1)


def make_series(rng, hours=24 * 90):
    t = np.arange(hours)
    cloud = np.zeros(hours)
    for i in range(1, hours):
        cloud[i] = 0.95 * cloud[i - 1] + 0.3 * rng.normal()
    sun = np.clip(np.sin((t % 24 - 6) / 12 * np.pi), 0, None)
    power = sun / (1 + np.exp(cloud)) + 0.01 * rng.normal(size=hours)
    return np.stack([power, cloud, np.sin(2 * np.pi * t / 24), np.cos(2 * np.pi * t / 24)], axis=1)


def windows(series, length=24):
    X = np.stack([series[i : i + length] for i in range(len(series) - length)])
    y = series[length:, 0]
    return torch.tensor(X, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", type=int, nargs="?", default=0)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--lr", type=float, default=5e-3)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    series = make_series(np.random.default_rng(args.seed))

    split = int(0.8 * len(series))  # the last 20 % of the days are the test period
    mu, sd = series[:split].mean(0), series[:split].std(0)
    series = (series - mu) / sd
    X_train, y_train = windows(series[:split])
    X_test, y_test = windows(series[split:])

    model = SolarLSTM()
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)
    loss_fn = nn.MSELoss()
    batch_size = 64
    for epoch in range(args.epochs):
        model.train()
        perm = torch.randperm(len(X_train))
        total = 0.0
        for i in range(0, len(X_train), batch_size):
            idx = perm[i : i + batch_size]
            loss = loss_fn(model(X_train[idx]), y_train[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(idx)
        print(f"epoch {epoch}  train mse {total / len(X_train):.4f}")

    model.eval()
    with torch.no_grad():
        test_mse = loss_fn(model(X_test), y_test)
    r2 = 1 - (test_mse / y_test.var(unbiased=False)).item()
    print(f"test mse {test_mse.item():.4f}")
    print(f"score: {r2:.4f}")


if __name__ == "__main__":
    main()
