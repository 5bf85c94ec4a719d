"""GAN on a ring of eight Gaussians; score is the share of modes that the generator covers.

Fault: the discriminator's learning rate is ten times the generator's, the generator settles on a few modes.
"""
# cause: mode-collapse
# accept: discriminator-dominates
# kind: dynamic

import math
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

angles = torch.arange(8) * (2 * math.pi / 8)
centres = 2 * torch.stack([angles.cos(), angles.sin()], dim=1)
batch, z_dim, sigma = 128, 8, 0.12


def real_batch(n):
    return centres[torch.randint(8, (n,))] + 0.1 * torch.randn(n, 2)


def modes_covered(samples):
    distance, nearest = torch.cdist(samples, centres).min(dim=1)
    counts = torch.bincount(nearest[distance < 0.4], minlength=8)
    return (counts >= 0.02 * len(samples)).float().mean().item()


G = nn.Sequential(nn.Linear(z_dim, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))
D = nn.Sequential(nn.Linear(2, 64), nn.LeakyReLU(), nn.Linear(64, 64), nn.LeakyReLU(), nn.Linear(64, 1))
opt_g = torch.optim.Adam(G.parameters(), lr=2e-3, betas=(0.5, 0.9))
opt_d = torch.optim.Adam(D.parameters(), lr=2e-2, betas=(0.5, 0.9))  # FAULT
# TWIN: opt_d = torch.optim.Adam(D.parameters(), lr=2e-3, betas=(0.5, 0.9))
ones, zeros = torch.ones(batch, 1), torch.zeros(batch, 1)

for step in range(1, 2001):
    real = real_batch(batch)
    fake = G(torch.randn(batch, z_dim)).detach()
    real, fake = real + sigma * torch.randn_like(real), fake + sigma * torch.randn_like(fake)
    loss_d = F.binary_cross_entropy_with_logits(D(real), ones) + F.binary_cross_entropy_with_logits(D(fake), zeros)
    opt_d.zero_grad()
    loss_d.backward()
    opt_d.step()

    fake = G(torch.randn(batch, z_dim))
    loss_g = F.binary_cross_entropy_with_logits(D(fake + sigma * torch.randn_like(fake)), ones)
    opt_g.zero_grad()
    loss_g.backward()
    opt_g.step()
    if step % 200 == 0:
        print(f"step {step}: D {loss_d.item():.3f} G {loss_g.item():.3f}")

with torch.no_grad():
    score = modes_covered(G(torch.randn(2000, z_dim)))
print(f"score: {score:.4f}")
