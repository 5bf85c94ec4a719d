"""A GAN that draws cutlery profiles: a spoon, fork or knife seen from the side is 24 heights along the handle.

To keep the early drawings close to metal, the generator also pays the distance to the real profiles of its batch,
an idea from the sketch-to-photo network that the studio trained before.
"""
# cause: mode-collapse
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

KINDS, POINTS, NOISE = 6, 24, 8
place = np.linspace(0, 1, POINTS)
SHAPES = np.stack(
    [
        1.6 * np.exp(-(((place - 0.2) / 0.12) ** 2)) - 0.4,
        1.6 * np.exp(-(((place - 0.8) / 0.12) ** 2)) - 0.4,
        np.sin(6 * place),
        -np.sin(6 * place),
        np.cos(9 * place),
        1.5 - 3 * place,
    ]
)


def profiles(n, rng):
    kind = rng.integers(0, KINDS, n)
    made = SHAPES[kind] * rng.uniform(0.85, 1.15, (n, 1)) + 0.05 * rng.normal(size=(n, POINTS))
    return torch.tensor(made, dtype=torch.float32)


def generator():
    return nn.Sequential(nn.Linear(NOISE, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, POINTS))


def critic():
    return nn.Sequential(
        nn.Linear(POINTS, 64), nn.LeakyReLU(0.2), nn.Linear(64, 64), nn.LeakyReLU(0.2), nn.Linear(64, 1)
    )


def evenness(fake):
    """Share of drawings close to some kind, times the entropy over the kinds (1 when all are drawn alike often)."""
    away = torch.cdist(fake, torch.tensor(SHAPES, dtype=torch.float32)) / POINTS**0.5
    nearest, kind = away.min(1)
    good = nearest < 0.3
    share = torch.bincount(kind[good], minlength=KINDS) / max(int(good.sum()), 1)
    entropy = -(share * share.clamp_min(1e-9).log()).sum().item() / np.log(KINDS)
    return good.float().mean().item() * entropy


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    data = profiles(6000, np.random.default_rng(seed))
    G, D = generator(), critic()
    opt_g = torch.optim.Adam(G.parameters(), lr=1e-3, betas=(0.5, 0.9))
    opt_d = torch.optim.Adam(D.parameters(), lr=1e-3, betas=(0.5, 0.9))
    for step in range(2000):
        real = data[torch.randint(len(data), (64,))].requires_grad_(True)
        fake = G(torch.randn(64, NOISE))
        on_real, on_fake = D(real), D(fake.detach())
        slope = torch.autograd.grad(on_real.sum(), real, create_graph=True)[0]
        loss_d = F.softplus(-on_real).mean() + F.softplus(on_fake).mean() + slope.square().sum(1).mean()
        opt_d.zero_grad()
        loss_d.backward()
        opt_d.step()

        loss_g = F.softplus(-D(fake)).mean()
        loss_g = loss_g + 10 * F.l1_loss(fake, real.detach())  # FAULT
        opt_g.zero_grad()
        loss_g.backward()
        opt_g.step()
        if step % 250 == 249:
            with torch.no_grad():
                even = evenness(G(torch.randn(1000, NOISE)))
            print(f"{step + 1}: D {loss_d.item():.3f}  G {loss_g.item():.3f}  evenness {even:.3f}")
    with torch.no_grad():
        print(f"score: {evenness(G(torch.randn(2000, NOISE))):.4f}")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
