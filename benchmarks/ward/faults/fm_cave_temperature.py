"""Tomorrow's departure of a cave's air temperature from its mean, from the last sixteen days; a GRU over two series.

The forecaster was taken over from the visitor counts of the same cave.
"""
# cause: output-range
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

DAYS = 16


def record(days, rng):
    """Outside air swings by itself and seeps into the cave with a lag."""
    outside, cave = np.zeros(days), np.zeros(days)
    for day in range(2, days):
        outside[day] = 1.4 * outside[day - 1] - 0.6 * outside[day - 2] + rng.normal()
        cave[day] = 0.75 * cave[day - 1] + 0.5 * outside[day - 1] + 0.25 * rng.normal()
    return np.stack([outside / outside.std(), cave / cave.std()], axis=1).astype(np.float32)


def windows(series):
    x = np.stack([series[i : i + DAYS] for i in range(len(series) - DAYS)])
    return torch.from_numpy(x), torch.from_numpy(series[DAYS:, 1].copy())


class Forecaster(nn.Module):
    def __init__(self, hidden=32):
        super().__init__()
        self.gru = nn.GRU(2, hidden, batch_first=True)
        self.out = nn.Linear(hidden, 1)

    def forward(self, x):
        _, last = self.gru(x)
        value = self.out(last[-1]).squeeze(-1)
        return F.softplus(value)  # FAULT
        # TWIN: return value


class Fit:
    def __init__(self, model, rate):
        self.model = model
        self.optimizer = torch.optim.Adam(model.parameters(), lr=rate)

    def epoch(self, loader):
        self.model.train()
        losses = []
        for x, y in loader:
            loss = F.mse_loss(self.model(x), y)
            self.optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
            self.optimizer.step()
            losses.append(loss.item())
        return float(np.mean(losses))

    @torch.no_grad()
    def error(self, x, y):
        self.model.eval()
        return F.mse_loss(self.model(x), y).item()


if __name__ == "__main__":
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    series = record(2500, np.random.default_rng(seed))
    x_train, y_train = windows(series[:2000])
    x_val, y_val = windows(series[2000:])
    fit = Fit(Forecaster(), rate=3e-3)
    loader = DataLoader(TensorDataset(x_train, y_train), batch_size=40, shuffle=True)
    for epoch in range(12):
        train_error = fit.epoch(loader)
        val_error = fit.error(x_val, y_val)
        print(f"epoch {epoch + 1}: train {train_error:.4f} validation {val_error:.4f}")
    print(f"score: {1 - val_error / y_val.var(unbiased=False).item():.4f}")
