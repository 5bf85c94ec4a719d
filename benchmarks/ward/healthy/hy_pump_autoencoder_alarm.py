"""Alarm for pumps that run badly: an autoencoder of normal spectra, whose error is the alarm. Trained on normal spectra
only; tested on both, by the area under the curve."""

import argparse

import numpy as np
import torch
from sklearn.metrics import roc_auc_score
from torch import nn


def spectra(n, bad, rng):
    f = np.arange(48)
    speed = rng.uniform(6, 9, (n, 1))
    load = rng.uniform(0.7, 1.3, (n, 1))
    x = sum(load**k / k * np.exp(-((f - k * speed) ** 2) / 3) for k in (1, 2, 3))
    if bad:
        x = x + rng.uniform(0.3, 0.6, (n, 1)) * np.exp(-((f - 3.5 * speed) ** 2) / 4)
    return torch.tensor((x + 0.06 * rng.normal(size=(n, 48)) - 0.2) / 0.3, dtype=torch.float32)


def make_autoencoder():
    return nn.Sequential(nn.Linear(48, 64), nn.ELU(), nn.Linear(64, 6), nn.Linear(6, 64), nn.ELU(), nn.Linear(64, 48))


parser = argparse.ArgumentParser()
parser.add_argument("seed", type=int, nargs="?", default=0)
parser.add_argument("--epochs", type=int, default=25)
args = parser.parse_args()
torch.set_num_threads(1)
torch.manual_seed(args.seed)
rng = np.random.default_rng(args.seed)
train, normal, bad = spectra(2000, False, rng), spectra(400, False, rng), spectra(400, True, rng)
model = make_autoencoder()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(args.epochs):
    total = 0.0
    for x in train[torch.randperm(len(train))].split(50):
        loss = nn.functional.mse_loss(model(x), x)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    if epoch % 5 == 4:
        with torch.no_grad():
            held_out = nn.functional.mse_loss(model(normal), normal).item()
        print(f"epoch {epoch + 1} train {total / 40:.4f} held out {held_out:.4f}")
with torch.no_grad():
    errors = torch.cat([(model(x) - x).square().mean(1) for x in (normal, bad)])
print(f"score: {roc_auc_score([0] * 400 + [1] * 400, errors.numpy()):.4f}")
