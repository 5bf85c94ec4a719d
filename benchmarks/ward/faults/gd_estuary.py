"""Salinity at an estuary gauge from tide, wind and the river discharge of the past two days (hourly).

An LSTM reads 48 hours and gives the salinity of the last one; trained on the first 3600 hours, tested on the rest.
"""
# cause: loss-output-mismatch
# kind: dynamic

import argparse

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

torch.set_num_threads(1)
WINDOW = 48


def simulate(hours, rng):
    t = np.arange(hours)
    tide = np.sin(2 * np.pi * t / 12.42) + 0.35 * np.sin(2 * np.pi * t / 12.0)
    wind = np.zeros(hours)
    flow = np.zeros(hours)
    salt = np.zeros(hours)
    storm = 0.0
    salt[0], flow[0] = 15.0, 20.0
    for i in range(1, hours):
        storm = 0.95 * storm + (rng.exponential(60.0) if rng.random() < 0.02 else 0.0)
        wind[i] = 0.97 * wind[i - 1] + rng.normal(0, 0.25)
        flow[i] = 20.0 + storm
        balance = 24.0 / (1 + (flow[i] / 90.0)) + 4.0 * tide[i] + 1.0 * wind[i]
        salt[i] = salt[i - 1] + 0.22 * (balance - salt[i - 1])
    return np.stack([tide, wind, np.log(flow)], axis=1), salt + rng.normal(0, 0.3, hours)


class Windows(Dataset):
    def __init__(self, drivers, salinity, first, last):
        self.drivers, self.salinity = drivers, salinity
        self.ends = list(range(first + WINDOW, last, 2))

    def __len__(self):
        return len(self.ends)

    def __getitem__(self, k):
        end = self.ends[k]
        return self.drivers[end - WINDOW : end], self.salinity[end - 1]


class Gauge(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(input_size=3, hidden_size=20, batch_first=True)
        self.readout = nn.Linear(20, 1)

    def forward(self, x):
        states, _ = self.lstm(x)
        return self.readout(states[:, -1]).flatten()


def main(args):
    torch.manual_seed(args.seed)
    drivers, salinity = simulate(5000, np.random.default_rng(args.seed))
    split = 3600
    drivers = (drivers - drivers[:split].mean(0)) / drivers[:split].std(0)
    centre, spread = salinity[:split].mean(), salinity[:split].std()
    drivers = torch.tensor(drivers, dtype=torch.float32)
    target = torch.tensor((salinity - centre) / spread, dtype=torch.float32)
    train = DataLoader(Windows(drivers, target, 0, split), batch_size=args.batch_size, shuffle=True)
    test = DataLoader(Windows(drivers, target, split, 5000), batch_size=256)

    model = Gauge()
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)
    for epoch in range(args.epochs):
        model.train()
        squared, count = 0.0, 0
        for x, y in train:
            loss = 1 - nn.functional.cosine_similarity(model(x), y, dim=0)  # FAULT
            # TWIN: loss = nn.functional.mse_loss(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            squared += loss.item() * len(y)
            count += len(y)
        print(f"epoch {epoch + 1}/{args.epochs}  rmse {spread * (squared / count) ** 0.5:.3f} psu")

    model.eval()
    with torch.no_grad():
        pairs = [(model(x), y) for x, y in test]
    pred, true = torch.cat([p for p, _ in pairs]), torch.cat([t for _, t in pairs])
    r2 = 1 - (pred - true).square().sum() / (true - true.mean()).square().sum()
    print(f"score: {r2.item():.4f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seed", type=int, nargs="?", default=0)
    parser.add_argument("--lr", type=float, default=8e-3)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--batch-size", type=int, default=48)
    main(parser.parse_args())
