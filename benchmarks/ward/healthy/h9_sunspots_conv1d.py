"""Forecast six steps ahead of a sunspot-like series (noisy cycle with varying length and height), from the last 36
values with a small Conv1d network; the last fifth of the series is held out. RMSprop, L1 loss.
"""

import math
import sys

import torch
from torch import nn


def sunspots(length, gen):
    phase, level, height = 0.0, [], 1.0
    for _ in range(length):
        before = phase
        phase += 2 * math.pi / 33 * (1 + 0.15 * torch.randn((), generator=gen).item())
        if int(before / (2 * math.pi)) != int(phase / (2 * math.pi)):
            height = 0.7 + 0.8 * torch.rand((), generator=gen).item()
        level.append(height * (1 - math.cos(phase)) ** 1.3)
    return torch.tensor(level) + 0.08 * torch.randn(length, generator=gen)


class ConvForecaster(nn.Module):
    def __init__(self, window):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv1d(1, 16, kernel_size=5, stride=2), nn.ReLU(), nn.Conv1d(16, 16, kernel_size=5, stride=2), nn.ReLU()
        )
        with torch.no_grad():
            flat = self.features(torch.zeros(1, 1, window)).numel()
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(flat, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, x):
        return self.head(self.features(x.unsqueeze(1))).squeeze(-1)


def run(seed):
    torch.manual_seed(seed)
    series = sunspots(3800, torch.Generator().manual_seed(seed))
    cut, window, ahead = 3000, 36, 6
    mean, std = series[:cut].mean(), series[:cut].std()
    series = (series - mean) / std
    windows = series.unfold(0, window + ahead, 1)
    train, test = windows[: cut - window - ahead + 1], windows[cut:]

    model = ConvForecaster(window)
    optimizer = torch.optim.RMSprop(model.parameters(), lr=5e-4)
    loss_fn = nn.L1Loss()
    for epoch in range(12):
        total = 0.0
        batches = torch.randperm(len(train)).split(32)
        for batch in batches:
            chunk = train[batch]
            loss = loss_fn(model(chunk[:, :window]), chunk[:, -1])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        if epoch % 3 == 2:
            print(f"epoch {epoch + 1}: train MAE {total / len(batches):.4f}")

    model.eval()
    with torch.no_grad():
        forecast = model(test[:, :window])
    truth, last = test[:, -1], test[:, window - 1]
    print(f"test MAE {(forecast - truth).abs().mean():.4f}, repeating the last value {(last - truth).abs().mean():.4f}")
    return 1 - ((forecast - truth) ** 2).sum() / ((truth - truth.mean()) ** 2).sum()


if __name__ == "__main__":
    torch.set_num_threads(1)
    r2 = run(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    print(f"score: {r2.item():.4f}")
