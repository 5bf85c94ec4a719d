"""Small GAN on a ring of eight Gaussians in the plane: non-saturating loss, Adam with beta1 = 0.5 and different rates
for the two players, an averaged generator for sampling. Score: minus the energy distance between samples and held-out
data.
"""
# cause: generator-dominates
# kind: dynamic

import copy
import math
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
LATENT, BATCH, STEPS = 4, 128, 1300


def real_batch(n):
    angle = torch.randint(0, 8, (n,)) * (math.pi / 4)
    centers = torch.stack([angle.cos(), angle.sin()], 1)
    return centers * 1.5 + 0.15 * torch.randn(n, 2)


def energy_distance(a, b):
    return (2 * torch.cdist(a, b).mean() - torch.cdist(a, a).mean() - torch.cdist(b, b).mean()).item()


def mlp(n_in, n_out, act):
    return nn.Sequential(nn.Linear(n_in, 64), act, nn.Linear(64, 64), act, nn.Linear(64, n_out))


G = mlp(LATENT, 2, nn.ReLU())
D = mlp(2, 1, nn.LeakyReLU(0.2))
G_avg = copy.deepcopy(G).requires_grad_(False)
opt_g = torch.optim.Adam(G.parameters(), lr=4e-3, betas=(0.5, 0.99))  # FAULT
opt_d = torch.optim.Adam(D.parameters(), lr=1e-4, betas=(0.5, 0.99))  # FAULT
# TWIN: opt_g = torch.optim.Adam(G.parameters(), lr=1e-3, betas=(0.5, 0.99))
# TWIN: opt_d = torch.optim.Adam(D.parameters(), lr=2e-3, betas=(0.5, 0.99))
held_out = real_batch(1000)

for step in range(1, STEPS + 1):
    # discriminator
    real = real_batch(BATCH)
    fake = G(torch.randn(BATCH, LATENT)).detach()
    d_loss = F.softplus(-D(real)).mean() + F.softplus(D(fake)).mean()
    opt_d.zero_grad()
    d_loss.backward()
    opt_d.step()
    # generator
    g_loss = F.softplus(-D(G(torch.randn(BATCH, LATENT)))).mean()
    opt_g.zero_grad()
    g_loss.backward()
    opt_g.step()
    with torch.no_grad():
        for p_avg, p in zip(G_avg.parameters(), G.parameters(), strict=True):
            p_avg.lerp_(p, 0.02)
    if step % 100 == 0:
        with torch.no_grad():
            dist = energy_distance(G_avg(torch.randn(1000, LATENT)), held_out)
        print(f"{step}: D {d_loss.item():.3f} G {g_loss.item():.3f} energy distance {dist:.4f}")

print(f"score: {-dist:.4f}")
