"""A GAN of spice blends: shares of four spices (centred), in seven house recipes plus the weighing error. The score
is the share of recipes that turn up among the generated blends. A colleague thought the generator could not keep up."""
# cause: mode-collapse
# accept: generator-dominates
# kind: dynamic

import sys

import torch
import torch.nn.functional as F
from torch import nn

NOISE, BATCH, STEPS, RECIPES = 8, 128, 1500, 7
GENERATOR_STEPS = 6  # FAULT
# TWIN: GENERATOR_STEPS = 1

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)

turn = 2 * torch.pi * torch.arange(RECIPES) / RECIPES
recipes = torch.stack([1.5 * turn.cos(), 1.5 * turn.sin(), 0.5 * (2 * turn).cos(), 0.5 * (2 * turn).sin()], dim=1)


def blends(count):
    which = torch.randint(0, RECIPES, (count,))
    return recipes[which] + 0.08 * torch.randn(count, 4)


def covered(samples):
    """Share of the recipes near which at least three in a hundred samples lie."""
    distance, nearest = torch.cdist(samples, recipes).min(dim=1)
    shares = torch.bincount(nearest[distance < 0.5], minlength=RECIPES) / len(samples)
    return (shares > 0.03).float().mean().item(), shares


generator = nn.Sequential(
    nn.Linear(NOISE, 64),
    nn.ReLU(),
    nn.Linear(64, 64),
    nn.ReLU(),
    nn.Linear(64, 4),
)
critic = nn.Sequential(
    nn.Linear(4, 64),
    nn.LeakyReLU(0.2),
    nn.Linear(64, 64),
    nn.LeakyReLU(0.2),
    nn.Linear(64, 1),
)
optimizer_g = torch.optim.Adam(generator.parameters(), lr=1e-3, betas=(0.5, 0.99))
optimizer_d = torch.optim.Adam(critic.parameters(), lr=1e-3, betas=(0.5, 0.99))


def jitter(x):
    return x + 0.1 * torch.randn_like(x)


for step in range(1, STEPS + 1):
    real = jitter(blends(BATCH))
    with torch.no_grad():
        fake = jitter(generator(torch.randn(BATCH, NOISE)))
    real_logits, fake_logits = critic(real), critic(fake)
    loss_d = F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()
    optimizer_d.zero_grad()
    loss_d.backward()
    optimizer_d.step()

    for _ in range(GENERATOR_STEPS):
        fake = jitter(generator(torch.randn(BATCH, NOISE)))
        loss_g = F.softplus(-critic(fake)).mean()
        optimizer_g.zero_grad()
        loss_g.backward()
        optimizer_g.step()

    if step % 250 == 0:
        with torch.no_grad():
            coverage, shares = covered(generator(torch.randn(2000, NOISE)))
        print(f"step {step}: D {loss_d.item():.3f} G {loss_g.item():.3f} recipes found {coverage:.2f}")

with torch.no_grad():
    coverage, shares = covered(generator(torch.randn(5000, NOISE)))
print("shares", [round(s, 3) for s in shares.tolist()])
print(f"score: {coverage:.4f}")
