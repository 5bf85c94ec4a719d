"""Invents profiles of turned bowls (radius at sixteen heights) with a GAN; judged by the sliced distance to real ones.

How often the generator is updated comes from a Wasserstein script, whose critic is to be near its optimum.
"""
# cause: discriminator-dominates
# kind: dynamic

import math
import sys

import torch
from torch import nn

HEIGHTS, LATENT, BATCH = 16, 6, 64
D_PER_G = 50  # FAULT
# TWIN: D_PER_G = 1
ITERATIONS = 2400


def bowls(count):
    height = torch.linspace(0, 1, HEIGHTS)
    belly, lip, wave = (torch.rand(3, count, 1) * 2 - 1).unbind(0)
    profile = 0.6 * belly * torch.sin(math.pi * height) + 0.6 * lip * (height - 0.5) * 2
    profile = profile + 0.25 * wave * torch.cos(3 * math.pi * height)
    return profile + 0.02 * torch.randn(count, HEIGHTS)


def mlp(inside, outside, width):
    return nn.Sequential(
        nn.Linear(inside, width),
        nn.LeakyReLU(0.2),
        nn.Linear(width, width),
        nn.LeakyReLU(0.2),
        nn.Linear(width, outside),
    )


def sliced_distance(a, b, slices=200):
    directions = nn.functional.normalize(torch.randn(HEIGHTS, slices), dim=0)
    return ((a @ directions).sort(0).values - (b @ directions).sort(0).values).abs().mean().item()


def discriminator_step(generator, discriminator, optimizer):
    real, fake = bowls(BATCH), generator(torch.randn(BATCH, LATENT)).detach()
    real_loss = nn.functional.softplus(-discriminator(real)).mean()
    fake_loss = nn.functional.softplus(discriminator(fake)).mean()
    optimizer.zero_grad()
    (real_loss + fake_loss).backward()
    optimizer.step()
    return (real_loss + fake_loss).item()


def generator_step(generator, discriminator, optimizer):
    fake = generator(torch.randn(BATCH, LATENT))
    loss = nn.functional.softplus(-discriminator(fake)).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    generator, discriminator = mlp(LATENT, HEIGHTS, 64), mlp(HEIGHTS, 1, 128)
    g_optimizer = torch.optim.Adam(generator.parameters(), lr=3e-4, betas=(0.5, 0.999))
    d_optimizer = torch.optim.Adam(discriminator.parameters(), lr=1e-3, betas=(0.5, 0.999))
    real = bowls(2000)
    for i in range(1, ITERATIONS + 1):
        d_loss = discriminator_step(generator, discriminator, d_optimizer)
        if i % D_PER_G == 0:
            g_loss = generator_step(generator, discriminator, g_optimizer)
        if i % (ITERATIONS // 12) == 0:
            with torch.no_grad():
                distance = sliced_distance(generator(torch.randn(2000, LATENT)), real)
            print(f"iteration {i:5d}  d {d_loss:.4f}  g {g_loss:.4f}  distance {distance:.4f}")
    print(f"score: {-distance:.4f}")


if __name__ == "__main__":
    main()
