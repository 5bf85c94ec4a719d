"""A GAN that invents paper lanterns: the three dyes of a lantern, of which the workshop makes eight kinds.

The generator seemed weak beside the discriminator at first, so it was given more updates per round.
"""
# cause: mode-collapse
# kind: dynamic

import itertools
import sys

import torch
from torch import nn

torch.set_num_threads(1)
KINDS = torch.tensor(list(itertools.product([-1.0, 1.0], repeat=3)))
LATENT, BATCH, ROUNDS = 8, 96, 800
GENERATOR_UPDATES = 8  # FAULT
# TWIN: GENERATOR_UPDATES = 1


def lanterns(n):
    return KINDS[torch.randint(0, 8, (n,))] + 0.15 * torch.randn(n, 3)


def mlp(n_in, n_out, width=64):
    return nn.Sequential(
        nn.Linear(n_in, width),
        nn.LeakyReLU(0.2),
        nn.Linear(width, width),
        nn.LeakyReLU(0.2),
        nn.Linear(width, n_out),
    )


def kinds_made(generator, n=2000):
    """How evenly the eight kinds are made: the share of what is common with the workshop's even eighths."""
    with torch.no_grad():
        made = generator(torch.randn(n, LATENT))
    distance, kind = torch.cdist(made, KINDS).min(dim=1)
    counts = torch.bincount(kind[distance < 0.6], minlength=8) / n
    return counts.clamp(max=1 / 8).sum().item()


def main(seed):
    torch.manual_seed(seed)
    generator, discriminator = mlp(LATENT, 3), mlp(3, 1)
    g_opt = torch.optim.Adam(generator.parameters(), lr=2e-3, betas=(0.5, 0.999))
    d_opt = torch.optim.Adam(discriminator.parameters(), lr=2e-3, betas=(0.5, 0.999))
    bce = nn.BCEWithLogitsLoss()
    ones, zeros = torch.ones(BATCH, 1), torch.zeros(BATCH, 1)
    for step in range(1, ROUNDS + 1):
        real, fake = lanterns(BATCH), generator(torch.randn(BATCH, LATENT)).detach()
        d_loss = bce(discriminator(real), ones) + bce(discriminator(fake), zeros)
        d_opt.zero_grad()
        d_loss.backward()
        d_opt.step()
        for _ in range(GENERATOR_UPDATES):
            g_loss = bce(discriminator(generator(torch.randn(BATCH, LATENT))), ones)
            g_opt.zero_grad()
            g_loss.backward()
            g_opt.step()
        if step % 80 == 0:
            print(f"{step:5d} d {d_loss.item():.3f} g {g_loss.item():.3f} kinds {kinds_made(generator):.3f}")
    print(f"score: {kinds_made(generator):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
