"""Predict the next hour's ozone from the last 24 hours of four sensors with a GRU (simulated station,
chronological split)."""

import argparse

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

torch.set_num_threads(1)


def simulate(hours, rng):
    t = np.arange(hours)
    sun = np.maximum(0, np.sin(2 * np.pi * (t % 24 - 6) / 24))
    cloud, traffic, ozone = np.zeros(hours), np.zeros(hours), np.zeros(hours)
    for i in range(1, hours):
        cloud[i] = 0.95 * cloud[i - 1] + 0.15 * rng.standard_normal()
        traffic[i] = 0.7 * traffic[i - 1] + 0.3 * (t[i] % 24 in (7, 8, 9, 17, 18)) + 0.03 * rng.standard_normal()
        light = sun[i - 1] / (1 + np.exp(cloud[i - 1]))
        ozone[i] = 0.85 * ozone[i - 1] + light * (0.5 + traffic[i - 1]) + 0.03 * rng.standard_normal()
    return np.stack([sun, cloud, traffic, ozone], axis=1)


class Windows(Dataset):
    def __init__(self, series, length=24):
        self.series = torch.tensor(series, dtype=torch.float32)
        self.length = length

    def __len__(self):
        return len(self.series) - self.length

    def __getitem__(self, i):
        return self.series[i : i + self.length], self.series[i + self.length, 3]


class OzoneNet(nn.Module):
    def __init__(self, hidden=24):
        super().__init__()
        self.gru = nn.GRU(4, hidden, batch_first=True)
        self.head = nn.Linear(hidden, 1)

    def forward(self, x):
        _, h = self.gru(x)
        return self.head(h[-1]).squeeze(-1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", type=int, nargs="?", default=0)
    parser.add_argument("--epochs", type=int, default=6)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    series = simulate(2000, np.random.default_rng(args.seed))
    mean, std = series[:1500].mean(0), series[:1500].std(0)
    series = (series - mean) / std
    train_dl = DataLoader(Windows(series[:1500]), batch_size=32, shuffle=True)
    valid_dl = DataLoader(Windows(series[1500:]), batch_size=256)

    net, loss_fn = OzoneNet(), nn.MSELoss()
    opt = torch.optim.Adam(net.parameters(), lr=5e-3)
    for epoch in range(args.epochs):
        net.train()
        losses = []
        for x, y in train_dl:
            opt.zero_grad()
            loss = loss_fn(net(x), y)
            loss.backward()
            opt.step()
            losses.append(loss.item())
        net.eval()
        with torch.no_grad():
            pred = torch.cat([net(x) for x, _ in valid_dl])
            true = torch.cat([y for _, y in valid_dl])
        val = loss_fn(pred, true).item()
        print(f"epoch {epoch}: train mse {np.mean(losses):.4f}, valid mse {val:.4f}")
    r2 = 1 - val / true.var(unbiased=False).item()
    print(f"score: {r2:.4f}")


if __name__ == "__main__":
    main()
