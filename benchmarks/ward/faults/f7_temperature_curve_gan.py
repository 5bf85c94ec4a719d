"""GAN of daily temperature curves, 24 hours each. The discriminator takes four steps at a high rate to each of the
generator's, which minimizes log(1 - D), flat where the discriminator is sure; and that it soon is."""
# cause: discriminator-dominates
# kind: dynamic

import math
import sys

import torch
import torch.nn as nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
HOURS, Z, BATCH = 24, 8, 64


def days(n):
    hour = torch.arange(HOURS) / HOURS
    level = 1.5 + 0.4 * torch.randn(n, 1)
    swing = 0.8 + 0.25 * torch.rand(n, 1)
    late = 0.05 * torch.randn(n, 1)
    return level - swing * torch.cos(2 * math.pi * (hour - late - 0.1)) + 0.02 * torch.randn(n, HOURS)


def mlp(sizes, act):
    layers = []
    for a, b in zip(sizes[:-1], sizes[1:]):
        layers += [nn.Linear(a, b), act]
    return nn.Sequential(*layers[:-1])


G = mlp([Z, 64, 64, HOURS], nn.ReLU())
D = mlp([HOURS, 64, 64, 1], nn.LeakyReLU(0.2))
d_rate, d_steps = 5e-3, 4  # FAULT
# TWIN: d_rate, d_steps = 1e-3, 2
d_opt = torch.optim.Adam(D.parameters(), lr=d_rate, betas=(0.5, 0.9))
g_opt = torch.optim.Adam(G.parameters(), lr=5e-4, betas=(0.5, 0.9))

for step in range(1000):
    for _ in range(d_steps):
        real, fake = days(BATCH), G(torch.randn(BATCH, Z)).detach()
        d_loss = -(torch.sigmoid(D(real)) + 1e-8).log().mean() - (1 - torch.sigmoid(D(fake)) + 1e-8).log().mean()
        d_opt.zero_grad()
        d_loss.backward()
        d_opt.step()
    p = torch.sigmoid(D(G(torch.randn(BATCH, Z))))
    g_loss = (1 - p + 1e-8).log().mean()  # FAULT
    # TWIN: g_loss = -(p + 1e-8).log().mean()
    g_opt.zero_grad()
    g_loss.backward()
    g_opt.step()
    if step % 100 == 0:
        print(f"step {step}: D {d_loss.item():.4f} G {g_loss.item():.4f}")

with torch.no_grad():
    real, fake = days(4000), G(torch.randn(4000, Z))
    mean_gap = (real.mean(0) - fake.mean(0)).abs().mean()
    cov_gap = (torch.cov(real.T) - torch.cov(fake.T)).abs().mean()
print(f"mean gap {mean_gap:.4f}, covariance gap {cov_gap:.4f}")
print(f"score: {-(mean_gap + cov_gap).item():.4f}")
