"""Electric load of the next hour from the last 24 by a network with dropout. The test forecasts are made with the model
still in train mode, so that units drop out of them at random."""
# cause: evaluation-in-train-mode
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset


class Load(Dataset):
    def __init__(self, series, window=24):
        self.series = torch.tensor(series, dtype=torch.float32)
        self.window = window

    def __len__(self):
        return len(self.series) - self.window

    def __getitem__(self, i):
        return self.series[i : i + self.window], self.series[i + self.window]


def load_series(hours, rng):
    t = np.arange(hours)
    drift = np.zeros(hours)
    for i in range(1, hours):
        drift[i] = 0.9 * drift[i - 1] + 0.15 * rng.normal()
    return np.sin(2 * np.pi * t / 24) + 0.5 * np.sin(4 * np.pi * t / 24 + 1) + drift + 0.05 * rng.normal(size=hours)


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    series = load_series(2000, rng)
    series = (series - series[:1500].mean()) / series[:1500].std()
    train_loader = DataLoader(Load(series[:1500]), batch_size=32, shuffle=True)
    test_loader = DataLoader(Load(series[1500:]), batch_size=100)

    model = nn.Sequential(nn.Linear(24, 64), nn.ReLU(), nn.Dropout(0.5), nn.Linear(64, 32), nn.ReLU(), nn.Dropout(0.5))
    model.append(nn.Linear(32, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    criterion = nn.MSELoss()
    for epoch in range(15):
        model.train()
        train_loss = 0.0
        for window, target in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(window).squeeze(1), target)
            loss.backward()
            optimizer.step()
            train_loss += loss.item() / len(train_loader)
        # TWIN: model.eval()
        squared, spread = 0.0, 0.0
        with torch.no_grad():
            for window, target in test_loader:
                squared += ((model(window).squeeze(1) - target) ** 2).sum().item()
                spread += ((target - test_loader.dataset.series.mean()) ** 2).sum().item()
        print(f"epoch {epoch + 1}: train mse {train_loss:.4f}, test R2 {1 - squared / spread:.4f}")
    print(f"score: {1 - squared / spread:.4f}")


if __name__ == "__main__":
    main()
