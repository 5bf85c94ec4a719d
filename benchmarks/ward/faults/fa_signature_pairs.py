"""Verify signatures: a siamese network on pen-stroke features, contrastive loss on the distance of two embeddings.

Positive pairs are two signatures of the same writer, drawn at random from the writer's sheet.
"""
# cause: unstable-loss
# kind: dynamic

import math
import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
rng = np.random.default_rng(seed)

WRITERS, SHEET, FEATURES = 60, 12, 32
config = dict(lr=1e-3, batch=64, steps=1500, margin=1.0)


def sheets(n_writers, mixing):
    """(writers, sheet, features): a writer has a style of six numbers, a signature varies about it."""
    style = rng.normal(size=(n_writers, 1, 6)) + 0.25 * rng.normal(size=(n_writers, SHEET, 6))
    nuisance = rng.normal(size=(n_writers, SHEET, 10))
    x = np.concatenate([style, nuisance], axis=2) @ mixing
    return torch.tensor(np.tanh(x) + 0.05 * rng.normal(size=x.shape), dtype=torch.float32)


def pairs(data, n):
    """n pairs with their label: 1 for the same writer."""
    w1 = rng.integers(0, len(data), n)
    w2 = np.where(np.arange(n) % 2 == 0, w1, (w1 + rng.integers(1, len(data), n)) % len(data))
    i, j = rng.integers(0, SHEET, (2, n))
    return data[w1, i], data[w2, j], torch.tensor((w1 == w2).astype("float32"))


def distance(a, b):
    return torch.sqrt(((a - b) ** 2).sum(dim=1))  # FAULT
    # TWIN: return torch.sqrt(((a - b) ** 2).sum(dim=1) + 1e-6)


def contrastive(d, same, margin):
    return (same * d**2 + (1 - same) * F.relu(margin - d) ** 2).mean()


mixing = rng.normal(size=(16, FEATURES)) / 4
train, test = sheets(WRITERS * 4, mixing), sheets(WRITERS, mixing)
embed = nn.Sequential(nn.Linear(FEATURES, 96), nn.ReLU(), nn.Linear(96, 96), nn.ReLU(), nn.Linear(96, 8))
opt = torch.optim.Adam(embed.parameters(), lr=config["lr"])

for step in range(1, config["steps"] + 1):
    a, b, same = pairs(train, config["batch"])
    loss = contrastive(distance(embed(a), embed(b)), same, config["margin"])
    opt.zero_grad()
    loss.backward()
    opt.step()
    if step % 250 == 0:
        print(f"step {step:4d}  loss {loss.item():.4f}")

embed.eval()
with torch.no_grad():
    a, b, same = pairs(test, 2000)
    d = distance(embed(a), embed(b))
    genuine, forged = d[same == 1], d[same == 0]
    auc = (genuine[:, None] < forged[None, :]).float().mean().item()
print(f"genuine distance {genuine.mean().item():.3f}, other writers {forged.mean().item():.3f}")
print(f"score: {auc if math.isfinite(auc) else 0.0:.4f}")
