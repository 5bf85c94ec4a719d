"""Delivery times as three quantiles (10, 50, 90 %) by the pinball loss; the tail is long and grows with distance."""

import sys
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


@dataclass
class Config:
    seed: int = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    quantiles: list[float] = field(default_factory=lambda: [0.1, 0.5, 0.9])
    epochs: int = 20
    batch: int = 80
    lr: float = 2e-3


def orders(n, rng):
    distance = rng.gamma(2.0, 2.0, n)
    hour = rng.uniform(8, 22, n)
    items = rng.poisson(3, n)
    rain = rng.random(n) < 0.25
    rush = np.exp(-((hour - 18) ** 2) / 4) + 0.6 * np.exp(-((hour - 12.5) ** 2) / 2)
    median = 12 + 3.2 * distance * (1 + 0.5 * rush) + 1.1 * items + 5.0 * rain
    minutes = median * np.exp(rng.normal(0, 0.12 + 0.2 * rain + 0.02 * distance, n))
    x = np.stack([np.log1p(distance), np.cos(hour / 4), np.sin(hour / 4), items, rain], axis=1)
    return x, minutes


class QuantileNet(nn.Module):
    """The middle quantile, and positive steps down and up from it, so that they never cross."""

    def __init__(self, n_in):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(n_in, 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU())
        self.head = nn.Linear(64, 3)

    def forward(self, x):
        middle, below, above = self.head(self.body(x)).unbind(1)
        return torch.stack(
            [middle - nn.functional.softplus(below), middle, middle + nn.functional.softplus(above)], dim=1
        )


def pinball(prediction, target, quantiles):
    error = target[:, None] - prediction
    return torch.maximum(quantiles * error, (quantiles - 1) * error).mean()


cfg = Config()
torch.set_num_threads(1)
torch.manual_seed(cfg.seed)
rng = np.random.default_rng(cfg.seed)
x, minutes = orders(6000, rng)
x_test, minutes_test = orders(1500, rng)
centre, spread, middle, scale = x.mean(0), x.std(0), minutes.mean(), minutes.std()


def ready(x, minutes):
    return (
        torch.tensor((x - centre) / spread, dtype=torch.float32),
        torch.tensor((minutes - middle) / scale, dtype=torch.float32),
    )


train, (x_test, y_test) = TensorDataset(*ready(x, minutes)), ready(x_test, minutes_test)
loader = DataLoader(train, batch_size=cfg.batch, shuffle=True)
quantiles = torch.tensor(cfg.quantiles)
net = QuantileNet(5)
optimizer = torch.optim.AdamW(net.parameters(), lr=cfg.lr)
scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 5e-3, total_steps=cfg.epochs * len(loader))
for epoch in range(cfg.epochs):
    net.train()
    total = 0.0
    for xb, yb in loader:
        optimizer.zero_grad()
        loss = pinball(net(xb), yb, quantiles)
        loss.backward()
        optimizer.step()
        scheduler.step()
        total += loss.item()
    net.eval()
    with torch.no_grad():
        held = pinball(net(x_test), y_test, quantiles).item()
    if epoch % 4 == 3:
        print(f"epoch {epoch + 1:2d} pinball {total / len(loader):.4f} held out {held:.4f}")

with torch.no_grad():
    below = (y_test[:, None] < net(x_test)).float().mean(0)
flat = torch.quantile(train.tensors[1], quantiles).expand(len(y_test), 3)
print("share below each quantile:", [round(b, 3) for b in below.tolist()])
print(f"score: {1 - held / pinball(flat, y_test, quantiles).item():.4f}")
