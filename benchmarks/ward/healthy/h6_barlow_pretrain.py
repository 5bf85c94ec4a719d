"""Barlow Twins on two noisy, cropped views of the digits (no labels), then a linear probe on the frozen features. The
loss is that of the cross-correlation matrix; score: the probe's accuracy on held-out digits.
"""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits

torch.set_num_threads(1)


def augment(x):
    n = len(x)
    x = x + 0.15 * torch.randn_like(x)
    gain = 1 + 0.2 * torch.randn(n, 1)
    keep = (torch.rand_like(x) > 0.2).float()
    return x * gain * keep


def off_diagonal(m):
    return m[~torch.eye(len(m), dtype=torch.bool)]


def barlow(z1, z2, lam=0.02):
    z1 = (z1 - z1.mean(0)) / (z1.std(0) + 1e-4)
    z2 = (z2 - z2.mean(0)) / (z2.std(0) + 1e-4)
    c = z1.T @ z2 / len(z1)
    return (c.diagonal() - 1).pow(2).sum() + lam * off_diagonal(c).pow(2).sum()


def main(seed):
    torch.manual_seed(seed)
    digits = load_digits()
    x = torch.tensor(digits.data, dtype=torch.float32) / 16
    y = torch.tensor(digits.target)
    perm = torch.randperm(len(x))
    tr, te = perm[:1400], perm[1400:]
    mean, std = x[tr].mean(), x[tr].std()
    x = (x - mean) / std

    backbone = nn.Sequential(nn.Linear(64, 128), nn.BatchNorm1d(128), nn.ReLU(), nn.Linear(128, 64))
    projector = nn.Sequential(nn.ReLU(), nn.Linear(64, 48))
    pretext = torch.optim.AdamW([*backbone.parameters(), *projector.parameters()], lr=2e-3, weight_decay=1e-3)
    for epoch in range(1, 26):
        total = 0.0
        batches = tr[torch.randperm(len(tr))].split(140)
        for idx in batches:
            a, b = augment(x[idx]), augment(x[idx])
            loss = barlow(projector(backbone(a)), projector(backbone(b)))
            pretext.zero_grad()
            loss.backward()
            pretext.step()
            total += loss.item()
        if epoch % 5 == 0:
            print(f"pretext epoch {epoch}: {total / len(batches):.4f}")

    backbone.eval()
    backbone.requires_grad_(False)
    with torch.no_grad():
        features = backbone(x)
        features = (features - features[tr].mean(0)) / features[tr].std(0)
    probe = nn.Linear(64, 10)
    opt = torch.optim.Adam(probe.parameters(), lr=0.01, weight_decay=1e-3)
    for epoch in range(1, 16):
        for idx in tr[torch.randperm(len(tr))].split(100):
            loss = F.cross_entropy(probe(features[idx]), y[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
        if epoch % 5 == 0:
            with torch.no_grad():
                out = probe(features[te])
            acc = (out.argmax(1) == y[te]).float().mean().item()
            print(f"probe epoch {epoch}: test loss {F.cross_entropy(out, y[te]).item():.4f} accuracy {acc:.4f}")
    return acc


if __name__ == "__main__":
    print(f"score: {main(int(sys.argv[1]) if len(sys.argv) > 1 else 0):.4f}")
