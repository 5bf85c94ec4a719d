"""Delivery times in minutes, right-skewed: the 10, 50 and 90 per cent quantiles from order features, kept in order by
softplus gaps, pinball loss, NAdam; config in a dict. Score: pinball skill over constant quantiles on test orders.
"""

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)
CONFIG = {"hidden": 64, "lr": 3e-3, "batch_size": 128, "epochs": 20, "quantiles": [0.1, 0.5, 0.9]}


def orders(n, rng):
    distance, items, hour = rng.gamma(2, 1.6, n), rng.poisson(3, n) + 1, rng.uniform(10, 23, n)
    rain, bike, kitchen = rng.random(n) < 0.25, rng.random(n) < 0.5, rng.normal(size=n)
    busy = np.exp(-((hour - 12.5) ** 2) / 1.5) + 1.3 * np.exp(-((hour - 19) ** 2) / 3)
    cook = (6 + 1.5 * items + 3 * kitchen.clip(-1.5, 2)) * (1 + 0.6 * busy)
    ride = distance * (3.2 + 1.5 * rain * bike) * (1 + 0.3 * busy * ~bike)
    minutes = (cook + ride) * np.exp(rng.normal(0, 0.12 + 0.15 * rain + 0.08 * busy))
    features = [np.log1p(distance), items, np.sin(hour / 4), np.cos(hour / 4), hour, rain, bike, kitchen]
    return np.stack(features, 1), minutes


class QuantileNet(nn.Module):
    def __init__(self, inputs, hidden):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(inputs, hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU())
        self.middle, self.gaps = nn.Linear(hidden, 1), nn.Linear(hidden, 2)

    def forward(self, x):
        h = self.body(x)
        mid, gap = self.middle(h), F.softplus(self.gaps(h))
        return torch.cat([mid - gap[:, :1], mid, mid + gap[:, 1:]], 1)


def pinball(pred, y, q):
    error = y[:, None] - pred
    return torch.maximum(q * error, (q - 1) * error).mean()


def main(seed):
    torch.manual_seed(seed)
    x, y = orders(7000, np.random.default_rng(seed))
    x = (x - x[:5000].mean(0)) / x[:5000].std(0)
    centre, scale = y[:5000].mean(), y[:5000].std()
    x, y = torch.tensor(x, dtype=torch.float32), torch.tensor((y - centre) / scale, dtype=torch.float32)
    q = torch.tensor(CONFIG["quantiles"])
    loader = DataLoader(TensorDataset(x[:5000], y[:5000]), CONFIG["batch_size"], shuffle=True)
    model = QuantileNet(x.shape[1], CONFIG["hidden"])
    optimizer = torch.optim.NAdam(model.parameters(), lr=CONFIG["lr"])
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, CONFIG["epochs"])
    for epoch in range(1, CONFIG["epochs"] + 1):
        model.train()
        total = 0.0
        for xb, yb in loader:
            loss = pinball(model(xb), yb, q)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        scheduler.step()
        model.eval()
        with torch.no_grad():
            pred = model(x[5000:6000])
        inside = ((y[5000:6000] > pred[:, 0]) & (y[5000:6000] < pred[:, 2])).float().mean()
        val = pinball(pred, y[5000:6000], q)
        print(f"epoch {epoch}: train {total / len(loader):.4f} val {val:.4f} coverage {inside:.3f}")
    with torch.no_grad():
        loss = pinball(model(x[6000:]), y[6000:], q)
    constant = pinball(torch.quantile(y[:5000], q).expand(1000, 3), y[6000:], q)
    print(f"score: {(1 - loss / constant).item():.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
