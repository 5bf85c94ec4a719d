"""Tomorrow's inflow of a reservoir from the last thirty days of rain, temperature and inflow, with an LSTM."""

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


def catchment(days, rng):
    """Snow stores winter rain, a slow and a fast bucket empty into the river."""
    day = np.arange(days)
    temperature = 8 - 10 * np.cos(2 * np.pi * day / 365) + 3 * rng.normal(size=days)
    rain = rng.exponential(6, days) * (rng.random(days) < 0.35)
    snow = slow = fast = 0.0
    inflow = np.zeros(days)
    for t in range(days):
        if temperature[t] < 1:
            snow, water = snow + rain[t], 0.0
        else:
            melt = min(snow, 1.5 * (temperature[t] - 1))
            snow, water = snow - melt, rain[t] + melt
        fast = 0.6 * fast + 0.5 * water
        slow = 0.96 * slow + 0.5 * water
        inflow[t] = 0.4 * fast + 0.04 * slow
    inflow = inflow * np.exp(0.05 * rng.normal(size=days))
    return np.stack([rain, temperature, np.log(inflow + 0.1)], axis=1)


class Windows(Dataset):
    def __init__(self, series, length=30):
        self.series, self.length = torch.tensor(series, dtype=torch.float32), length

    def __len__(self):
        return len(self.series) - self.length

    def __getitem__(self, i):
        return self.series[i : i + self.length], self.series[i + self.length, 2]


class InflowLSTM(nn.Module):
    def __init__(self, hidden=32):
        super().__init__()
        self.lstm = nn.LSTM(3, hidden, batch_first=True)
        self.fc = nn.Linear(hidden, 1)

    def forward(self, x):
        out, _ = self.lstm(x)
        return self.fc(out[:, -1]).squeeze(1)


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    series = catchment(4000, np.random.default_rng(seed))[200:]
    split = 3000
    mean, std = series[:split].mean(axis=0), series[:split].std(axis=0)
    series = (series - mean) / std
    train_loader = DataLoader(Windows(series[:split]), batch_size=32, shuffle=True)
    test_loader = DataLoader(Windows(series[split:]), batch_size=256)

    model = InflowLSTM()
    criterion = nn.MSELoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=5, gamma=0.4)
    for epoch in range(12):
        model.train()
        losses = []
        for x, y in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            losses.append(loss.item())
        scheduler.step()
        print(f"epoch {epoch + 1:2d} train mse {np.mean(losses):.4f}")

    model.eval()
    with torch.no_grad():
        pairs = [(model(x), y) for x, y in test_loader]
    predicted, true = torch.cat([p for p, _ in pairs]), torch.cat([y for _, y in pairs])
    print(f"score: {(1 - (predicted - true).pow(2).mean() / true.var()).item():.4f}")


if __name__ == "__main__":
    main()
