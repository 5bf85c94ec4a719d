"""Hot-water use of a laundry: a GRU reads the last two days and a linear layer gives the next six hours."""

import sys

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset

PAST, AHEAD = 48, 6


def simulate(hours, rng):
    t = np.arange(hours)
    day = np.exp(np.cos((t - 9) / 24 * 2 * np.pi) * 1.5) / 4
    week = np.where(t // 24 % 7 < 5, 1.0, 0.45)
    drift = np.zeros(hours)
    for i in range(1, hours):
        drift[i] = 0.97 * drift[i - 1] + rng.normal(scale=0.04)
    return day * week * (1 + drift) * 100 + rng.normal(scale=3, size=hours)


class WindowDataset(Dataset):
    def __init__(self, series, start, mean, std):
        hours = np.arange(start, start + len(series))
        scaled = (series - mean) / std
        clock = hours % 24 / 24 * 2 * np.pi
        weekend = (hours // 24 % 7 >= 5).astype(float)
        self.x = torch.tensor(np.column_stack([scaled, np.sin(clock), np.cos(clock), weekend]), dtype=torch.float32)

    def __len__(self):
        return len(self.x) - PAST - AHEAD + 1

    def __getitem__(self, i):
        return self.x[i : i + PAST], self.x[i + PAST : i + PAST + AHEAD, 0]


class LoadGRU(nn.Module):
    def __init__(self, n_features=4, hidden_size=40):
        super().__init__()
        self.gru = nn.GRU(n_features, hidden_size, batch_first=True)
        self.fc = nn.Linear(hidden_size, AHEAD)

    def forward(self, x):
        _, h = self.gru(x)
        return self.fc(h[-1])


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    series = simulate(3000, np.random.default_rng(seed))
    split = 2400
    mean, std = series[:split].mean(), series[:split].std()
    train_loader = DataLoader(WindowDataset(series[:split], 0, mean, std), batch_size=64, shuffle=True)
    test_loader = DataLoader(WindowDataset(series[split:], split, mean, std), batch_size=128)

    model = LoadGRU()
    criterion = nn.MSELoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(14):
        model.train()
        losses = []
        for x, y in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            losses.append(loss.item())
        print(f"Epoch {epoch + 1}, train MSE {np.mean(losses):.4f}")

    model.eval()
    predictions, truths = [], []
    with torch.no_grad():
        for x, y in test_loader:
            predictions.append(model(x))
            truths.append(y)
    predictions, truths = torch.cat(predictions), torch.cat(truths)
    r2 = 1 - (predictions - truths).square().mean() / truths.var()
    print(f"score: {r2.item():.4f}")


if __name__ == "__main__":
    main()
