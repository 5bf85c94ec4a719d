"""Forecasts the noise level of a street one hour ahead from the past day; a GRU, trained on one long series."""

import sys
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn


@dataclass
class Settings:
    hours: int = 24 * 7 * 30
    window: int = 24
    hidden: int = 32
    batch_size: int = 64
    epochs: int = 7
    learning_rate: float = 4e-3


def series(hours, rng):
    """Decibels: a daily and a weekly pattern, weather that lingers, and honest noise."""
    hour = np.arange(hours)
    weekend = (hour // 24) % 7 >= 5
    day = np.sin(2 * np.pi * (hour % 24 - 8) / 24) + 0.4 * np.sin(4 * np.pi * (hour % 24 - 8) / 24)
    lingering = np.zeros(hours)
    for i in range(1, hours):
        lingering[i] = 0.92 * lingering[i - 1] + rng.normal(scale=0.8)
    return 58 + np.where(weekend, 3.0, 6.0) * day + lingering + rng.normal(scale=0.7, size=hours)


class Forecaster(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.gru = nn.GRU(input_size=1, hidden_size=hidden, batch_first=True)
        self.head = nn.Linear(hidden, 1)

    def forward(self, window):
        _, last = self.gru(window)
        return window[:, -1] + self.head(last[-1])


def r2(model, inputs, targets):
    model.eval()
    with torch.no_grad():
        residual = (model(inputs) - targets).pow(2).mean()
    return (1 - residual / targets.var()).item()


def main(seed):
    settings = Settings()
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    level = series(settings.hours, np.random.default_rng(seed))
    cut = int(0.8 * settings.hours)
    level = torch.tensor((level - level[:cut].mean()) / level[:cut].std(), dtype=torch.float32)
    windows = level.unfold(0, settings.window, 1)[:-1].unsqueeze(-1)
    targets = level[settings.window :].unsqueeze(-1)
    split = cut - settings.window
    train_x, train_y = windows[:split], targets[:split]
    # the first test window starts after the last training target
    test_x, test_y = windows[cut:], targets[cut:]

    model = Forecaster(settings.hidden)
    optimizer = torch.optim.RMSprop(model.parameters(), lr=settings.learning_rate, alpha=0.95)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.6)
    print(f"R2 of the level an hour before: {(1 - (test_x[:, -1] - test_y).pow(2).mean() / test_y.var()).item():.4f}")
    for epoch in range(settings.epochs):
        model.train()
        losses = []
        for rows in torch.randperm(len(train_x)).split(settings.batch_size):
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(train_x[rows]), train_y[rows])
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            losses.append(loss.item())
        scheduler.step()
        print(f"epoch {epoch}: loss {np.mean(losses):.4f}, test R2 {r2(model, test_x, test_y):.4f}")
    print(f"score: {r2(model, test_x, test_y):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
