"""Beetle families from wing-case spectra: supervised contrastive embedding first, then a linear probe on it, frozen."""

import sys

import torch
import torch.nn.functional as F
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
FAMILIES, WAVELENGTHS, TEMPERATURE = 6, 40, 0.2

grid = torch.linspace(0, 1, WAVELENGTHS)
peaks = 0.15 + 0.7 * torch.rand(FAMILIES, 3)
heights = 0.6 + torch.rand(FAMILIES, 3)


def spectra(n):
    family = torch.randint(0, FAMILIES, (n,))
    moved = peaks[family] + 0.02 * torch.randn(n, 1)
    bumps = torch.exp(-((grid - moved[..., None]) ** 2) / 0.004)
    curve = (heights[family][..., None] * bumps).sum(1) + 0.25 * torch.randn(n, WAVELENGTHS)
    return curve, family


def augment(x):
    gain = 1 + 0.15 * torch.randn(len(x), 1)
    tilt = 0.2 * torch.randn(len(x), 1) * (grid - 0.5)
    return gain * x + tilt + 0.1 * torch.randn_like(x)


def contrastive(z, label):
    z = F.normalize(z, dim=1)
    similarity = z @ z.T / TEMPERATURE
    itself = torch.eye(len(z), dtype=torch.bool)
    log_p = similarity - torch.logsumexp(similarity.masked_fill(itself, -1e9), dim=1, keepdim=True)
    positive = (label[:, None] == label[None]) & ~itself
    return -(log_p * positive).sum(1).div(positive.sum(1)).mean()


x, y = spectra(1500)
test_x, test_y = spectra(500)
mean, std = x.mean(), x.std()
x, test_x = (x - mean) / std, (test_x - mean) / std

encoder = nn.Sequential(nn.Linear(WAVELENGTHS, 64), nn.ReLU(), nn.Linear(64, 32))
projector = nn.Sequential(nn.ReLU(), nn.Linear(32, 16))
optimizer = torch.optim.AdamW([*encoder.parameters(), *projector.parameters()], lr=2e-3)
for epoch in range(15):
    total = 0.0
    for rows in torch.randperm(len(x)).split(100):
        views = torch.cat([augment(x[rows]), augment(x[rows])])
        loss = contrastive(projector(encoder(views)), y[rows].repeat(2))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(rows)
    if epoch % 5 == 4:
        print(f"epoch {epoch + 1}: contrastive loss {total / len(x):.4f}")

encoder.requires_grad_(False)
probe = nn.Linear(32, FAMILIES)
optimizer = torch.optim.Adam(probe.parameters(), lr=2e-2)
for epoch in range(10):
    for rows in torch.randperm(len(x)).split(100):
        loss = F.cross_entropy(probe(encoder(x[rows])), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
with torch.no_grad():
    accuracy = (probe(encoder(test_x)).argmax(1) == test_y).float().mean().item()
print(f"probe loss {loss.item():.4f}")
print(f"score: {accuracy:.4f}")
