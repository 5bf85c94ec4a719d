"""An autoencoder of spindle currents, trained on good parts, flags bad ones by their reconstruction error. Judged by
the area under the ROC curve, which it has not been trained for."""

import sys

import numpy as np
import torch
from sklearn.metrics import roc_auc_score
from torch import nn


def currents(n, rng, bad=False):
    t = np.linspace(0, 1, 50)
    load, start = rng.uniform(0.6, 1.4, (n, 1)), rng.uniform(0.15, 0.3, (n, 1))
    x = load / (1 + np.exp(-30 * (t - start))) - 0.7 * load / (1 + np.exp(-30 * (t - 0.8)))
    x = x + 0.15 * np.sin(2 * np.pi * 6 * t + rng.uniform(0, 6.28, (n, 1)))
    if bad:
        where = rng.uniform(0.35, 0.7, (n, 1))
        x = x + rng.choice([-0.35, 0.35], (n, 1)) * np.exp(-((t - where) ** 2) / 0.0015)
    x = x + 0.05 * rng.normal(size=(n, 50))
    return torch.tensor((x - 0.5) / 0.5, dtype=torch.float32)


class Autoencoder(nn.Module):
    def __init__(self, code=6):
        super().__init__()
        self.encode = nn.Sequential(nn.Linear(50, 64), nn.GELU(), nn.Linear(64, code))
        self.decode = nn.Sequential(nn.Linear(code, 64), nn.GELU(), nn.Linear(64, 50))

    def forward(self, x):
        return self.decode(self.encode(x))


seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
rng = np.random.default_rng(seed)
good, good_val = currents(2500, rng), currents(400, rng)
mixed = torch.cat([currents(300, rng), currents(100, rng, bad=True)])
is_bad = np.repeat([0, 1], [300, 100])
model = Autoencoder()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 20, eta_min=2e-4)
for epoch in range(20):
    for idx in torch.randperm(len(good)).split(50):
        loss = nn.functional.mse_loss(model(good[idx]), good[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    scheduler.step()
    with torch.no_grad():
        val = nn.functional.mse_loss(model(good_val), good_val).item()
    print(f"epoch {epoch} loss {loss.item():.5f} val {val:.5f}")
with torch.no_grad():
    error = (model(mixed) - mixed).square().mean(1).numpy()
print(f"score: {roc_auc_score(is_bad, error):.4f}")
