"""GAN for rim profiles of pots, each two numbers (flare, thickness) that fall into three workshops.

The number of inner steps was taken from a Wasserstein recipe that goes five to one.
"""
# cause: generator-dominates
# accept: mode-collapse
# kind: dynamic

import sys

import torch
from torch import nn

INNER_STEPS = 10
LATENT, BATCH, ROUNDS = 4, 64, 700

torch.set_num_threads(1)
torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)

CENTRES = torch.tensor([[1.0, 0.2], [-0.7, 0.9], [-0.3, -1.1]])


def real_profiles(n):
    return CENTRES[torch.randint(0, 3, (n,))] + 0.18 * torch.randn(n, 2)


def mlp(n_in, n_out, width):
    return nn.Sequential(
        nn.Linear(n_in, width), nn.LeakyReLU(0.2), nn.Linear(width, width), nn.LeakyReLU(0.2), nn.Linear(width, n_out)
    )


generator, discriminator = mlp(LATENT, 2, 64), mlp(2, 1, 64)
g_opt = torch.optim.Adam(generator.parameters(), lr=1e-3, betas=(0.5, 0.99))
d_opt = torch.optim.Adam(discriminator.parameters(), lr=1e-3, betas=(0.5, 0.99))
bce = nn.BCEWithLogitsLoss()
ones, zeros = torch.ones(BATCH, 1), torch.zeros(BATCH, 1)


def discriminator_step():
    fake = generator(torch.randn(BATCH, LATENT)).detach()
    loss = bce(discriminator(real_profiles(BATCH)), ones) + bce(discriminator(fake), zeros)
    d_opt.zero_grad()
    loss.backward()
    d_opt.step()
    return loss.item() / 2


def generator_step():
    loss = bce(discriminator(generator(torch.randn(BATCH, LATENT))), ones)
    g_opt.zero_grad()
    loss.backward()
    g_opt.step()
    return loss.item()


def energy_distance(a, b):
    cross = torch.cdist(a, b).mean()
    return (2 * cross - torch.cdist(a, a).mean() - torch.cdist(b, b).mean()).item()


for round_ in range(1, ROUNDS + 1):
    d_loss = discriminator_step()
    for _ in range(INNER_STEPS):  # FAULT
        g_loss = generator_step()  # FAULT
    # TWIN: g_loss = generator_step()
    if round_ % 100 == 0:
        print(f"round {round_}: discriminator {d_loss:.3f}, generator {g_loss:.3f}")

with torch.no_grad():
    distance = energy_distance(generator(torch.randn(1000, LATENT)), real_profiles(1000))
print(f"score: {-distance:.4f}")
