"""A GAN for points on two half moons, with a penalty on the discriminator's slope at the true points. The losses hover
about their balance; the cloud of points is what gets better."""
# cause: generator-dominates
# kind: dynamic

import math
import sys

import torch
from torch import nn
from torch.nn.functional import softplus

LATENT = 6


def moons(n):
    t = math.pi * torch.rand(n)
    upper = torch.rand(n) < 0.5
    x = torch.where(upper, t.cos(), 1 - t.cos())
    y = torch.where(upper, t.sin(), 0.5 - t.sin())
    points = torch.stack([x - 0.5, 2 * (y - 0.25)], 1) + 0.06 * torch.randn(n, 2)
    return points


def mlp(inputs, outputs):
    return nn.Sequential(
        nn.Linear(inputs, 64), nn.LeakyReLU(0.2), nn.Linear(64, 64), nn.LeakyReLU(0.2), nn.Linear(64, outputs)
    )


def energy(a, b):
    return (2 * torch.cdist(a, b).mean() - torch.cdist(a, a).mean() - torch.cdist(b, b).mean()).item()


def main():
    torch.set_num_threads(1)
    torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    generator, critic = mlp(LATENT, 2), mlp(2, 1)
    g_opt = torch.optim.Adam(generator.parameters(), lr=1e-3, betas=(0.5, 0.99))
    d_opt = torch.optim.Adam(critic.parameters(), lr=2e-3, betas=(0.5, 0.99))
    held_out = moons(1000)
    for step in range(1200):
        real = moons(96).requires_grad_()
        fake = generator(torch.randn(96, LATENT))
        on_real = critic(real)
        (slope,) = torch.autograd.grad(on_real.sum(), real, create_graph=True)
        d_loss = softplus(-on_real).mean() + softplus(critic(fake.detach())).mean()
        if step % 10 == 0:  # FAULT
            d_opt.zero_grad()  # FAULT
            (d_loss + 0.1 * slope.pow(2).sum(1).mean()).backward()  # FAULT
            d_opt.step()  # FAULT
        # TWIN: d_opt.zero_grad()
        # TWIN: (d_loss + 0.1 * slope.pow(2).sum(1).mean()).backward()
        # TWIN: d_opt.step()

        g_loss = softplus(-critic(fake)).mean()
        g_opt.zero_grad()
        g_loss.backward()
        g_opt.step()
        if step % 200 == 199:
            with torch.no_grad():
                gap = energy(generator(torch.randn(1000, LATENT)), held_out)
            print(f"step {step + 1} d {d_loss.item():.3f} g {g_loss.item():.3f} energy {gap:.4f}")
    print(f"score: {-gap:.4f}")


main()
