"""A GAN that draws the pitch and the length of bird calls: eight kinds of call, lying about on a plane. The generator
lagged in the first runs, so now it gets several steps for each step of the discriminator."""
# cause: mode-collapse
# accept: oscillating-players generator-dominates
# kind: dynamic

import math
import sys

import torch
from torch import nn
from torch.nn.functional import softplus

torch.set_num_threads(1)
torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)

CALLS = 8
LATENT = 8
GENERATOR_STEPS = 5  # FAULT
# TWIN: GENERATOR_STEPS = 1
UPDATES = 800

angle = torch.arange(CALLS) * 2 * math.pi / CALLS
centres = 1.4 * torch.stack([angle.cos(), angle.sin()], 1)


def real_calls(n):
    return centres[torch.randint(CALLS, (n,))] + 0.12 * torch.randn(n, 2)


def mlp(inputs, outputs, width=48):
    return nn.Sequential(
        nn.Linear(inputs, width),
        nn.LeakyReLU(0.2),
        nn.Linear(width, width),
        nn.LeakyReLU(0.2),
        nn.Linear(width, outputs),
    )


generator, discriminator = mlp(LATENT, 2), mlp(2, 1)
opt_g = torch.optim.Adam(generator.parameters(), lr=1e-3, betas=(0.5, 0.99))
opt_d = torch.optim.Adam(discriminator.parameters(), lr=1e-3, betas=(0.5, 0.99))


def sliced_distance(a, b, directions=64):
    """Mean distance between the sorted projections of two clouds on fixed directions."""
    way = torch.arange(directions) * math.pi / directions
    way = torch.stack([way.cos(), way.sin()])
    return ((a @ way).sort(0).values - (b @ way).sort(0).values).abs().mean().item()


for update in range(UPDATES):
    real = real_calls(64).requires_grad_()
    fake = generator(torch.randn(64, LATENT)).detach()
    on_real, on_fake = discriminator(real), discriminator(fake)
    slope = torch.autograd.grad(on_real.sum(), real, create_graph=True)[0]
    loss_d = softplus(-on_real).mean() + softplus(on_fake).mean() + 0.05 * slope.pow(2).sum(1).mean()
    opt_d.zero_grad()
    loss_d.backward()
    opt_d.step()

    for _ in range(GENERATOR_STEPS):
        loss_g = softplus(-discriminator(generator(torch.randn(64, LATENT)))).mean()
        opt_g.zero_grad()
        loss_g.backward()
        opt_g.step()

    if update % 50 == 0:
        print(f"{update:5d} d {loss_d.item():.3f} g {loss_g.item():.3f}")

with torch.no_grad():
    drawn = generator(torch.randn(2000, LATENT))
print(f"score: {-sliced_distance(drawn, real_calls(2000)):.4f}")
