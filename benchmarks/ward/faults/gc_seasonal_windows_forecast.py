"""Forecast the next 12 steps of a seasonal series from the past 48 at once: every window is normalized by its own mean
and scale, a linear skip carries the easy part and a small net the rest. Train, validation and test follow one another
in time, and the yardstick is the seasonal naive forecast.
"""
# cause: optimizer-epsilon-too-large
# kind: dynamic

import dataclasses
import sys

import numpy as np
import torch
from torch import nn


@dataclasses.dataclass
class Config:
    seed: int = 0
    history: int = 48
    horizon: int = 12
    hidden: int = 64
    epochs: int = 10
    batch_size: int = 64
    lr: float = 2e-3


def make_series(rng, length=4000):
    t = np.arange(length)
    daily = np.sin(2 * np.pi * t / 24) + 0.5 * np.sin(4 * np.pi * t / 24 + 0.7)
    weekly = 1 + 0.4 * np.sin(2 * np.pi * t / 168)
    drift = np.cumsum(rng.normal(0, 0.04, length))
    return (10 + 2 * daily * weekly + drift + rng.normal(0, 0.25, length)).astype(np.float32)


class Forecaster(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.skip = nn.Linear(cfg.history, cfg.horizon)
        self.deep = nn.Sequential(
            nn.Linear(cfg.history, cfg.hidden), nn.GELU(), nn.Dropout(0.1), nn.Linear(cfg.hidden, cfg.horizon)
        )

    def forward(self, past):
        mean, scale = past.mean(1, keepdim=True), past.std(1, keepdim=True) + 1e-3
        z = (past - mean) / scale
        return mean + scale * (self.skip(z) + self.deep(z))


def main(cfg):
    torch.set_num_threads(1)
    torch.manual_seed(cfg.seed)
    series = torch.from_numpy(make_series(np.random.default_rng(cfg.seed)))
    parts = {}
    for name, chunk in zip(("train", "val", "test"), series.split([2800, 600, 600])):
        windows = chunk.unfold(0, cfg.history + cfg.horizon, 1)
        parts[name] = windows[:, : cfg.history], windows[:, cfg.history :]
    past, future = parts["train"]
    model, criterion = Forecaster(cfg), nn.HuberLoss()
    optimizer = torch.optim.AdamW(model.parameters(), cfg.lr, (0.9, 0.999), 0.1)  # FAULT
    # TWIN: optimizer = torch.optim.AdamW(model.parameters(), lr=cfg.lr)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, cfg.epochs)
    for epoch in range(cfg.epochs):
        model.train()
        total = 0.0
        for idx in torch.randperm(len(past)).split(cfg.batch_size):
            loss = criterion(model(past[idx]), future[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(idx)
        scheduler.step()
        model.eval()
        with torch.no_grad():
            val = criterion(model(parts["val"][0]), parts["val"][1])
        print(f"epoch {epoch}: train {total / len(past):.4f} val {val:.4f}")
    with torch.no_grad():
        x, y = parts["test"]
        mae = (model(x) - y).abs().mean()
        naive = (x[:, cfg.history - 24 :][:, : cfg.horizon] - y).abs().mean()
    print(f"test MAE {mae:.4f}, seasonal naive {naive:.4f}")
    print(f"score: {1 - (mae / naive).item():.4f}")


if __name__ == "__main__":
    main(Config(seed=int(sys.argv[1]) if len(sys.argv) > 1 else 0))
