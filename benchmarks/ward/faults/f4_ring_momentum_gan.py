"""GAN on a ring of eight Gaussians; score is the mean share of modes covered, at ten looks over the second half.

Fault: both players run Adam with the usual first beta of 0.9, and chase each other around the ring.
"""
# cause: oscillating-players
# accept: mode-collapse
# kind: dynamic

import math
import sys

import torch
from torch import nn
from torch.nn import functional as F

torch.set_num_threads(1)
torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)

angles = torch.arange(8) * (2 * math.pi / 8)
centres = 2 * torch.stack([angles.cos(), angles.sin()], dim=1)
batch, z_dim, steps = 128, 8, 1600


def real_batch(n):
    return centres[torch.randint(8, (n,))] + 0.1 * torch.randn(n, 2)


def modes_covered(samples):
    distance, nearest = torch.cdist(samples, centres).min(dim=1)
    counts = torch.bincount(nearest[distance < 0.5], minlength=8)
    return (counts >= 0.02 * len(samples)).float().mean().item()


G = nn.Sequential(nn.Linear(z_dim, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))
D = nn.Sequential(nn.Linear(2, 64), nn.LeakyReLU(), nn.Linear(64, 64), nn.LeakyReLU(), nn.Linear(64, 1))
betas = (0.9, 0.999)  # FAULT
# TWIN: betas = (0.0, 0.99)
opt_g = torch.optim.Adam(G.parameters(), lr=2e-3, betas=betas)
opt_d = torch.optim.Adam(D.parameters(), lr=2e-3, betas=betas)
ones, zeros = torch.ones(batch, 1), torch.zeros(batch, 1)
looks = []

for step in range(1, steps + 1):
    real, fake = real_batch(batch), G(torch.randn(batch, z_dim)).detach()
    loss_d = F.binary_cross_entropy_with_logits(D(real), ones) + F.binary_cross_entropy_with_logits(D(fake), zeros)
    opt_d.zero_grad()
    loss_d.backward()
    opt_d.step()

    loss_g = F.binary_cross_entropy_with_logits(D(G(torch.randn(batch, z_dim))), ones)
    opt_g.zero_grad()
    loss_g.backward()
    opt_g.step()
    if step > steps // 2 and step % 80 == 0:
        with torch.no_grad():
            looks.append(modes_covered(G(torch.randn(1000, z_dim))))
        print(f"step {step}: D {loss_d.item():.3f} G {loss_g.item():.3f}, {looks[-1]:.2f} of the modes")

print(f"score: {sum(looks) / len(looks):.4f}")
