"""Pairs of (diameter, fall speed) of raindrops drawn by a small GAN; an average of the generator is what is kept.

Score: one minus the sliced Wasserstein distance to unseen drops over that of a plain normal guess of the same moments.
"""

import copy
import sys

import torch
import torch.nn.functional as F
from torch import nn

NOISE, BATCH, STEPS = 6, 128, 2000


def drops(n, generator=None):
    """Drizzle and heavy drops on the curve of terminal speed, standardized by round constants."""
    heavy = torch.rand(n, generator=generator) < 0.4
    diameter = torch.where(heavy, 3.4, 1.1) + torch.where(heavy, 0.5, 0.3) * torch.randn(n, generator=generator)
    diameter = diameter.clamp(min=0.2)
    speed = 9.65 - 10.3 * torch.exp(-0.6 * diameter) + 0.25 * torch.randn(n, generator=generator)
    return torch.stack([(diameter - 2.0) / 1.2, (speed - 6.2) / 2.0], dim=1)


def network(inputs, outputs, activation):
    return nn.Sequential(nn.Linear(inputs, 64), activation, nn.Linear(64, 64), activation, nn.Linear(64, outputs))


def sliced(a, b, directions):
    a, b = (a @ directions).sort(dim=0).values, (b @ directions).sort(dim=0).values
    return (a - b).abs().mean().item()


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    generator = network(NOISE, 2, nn.ReLU())
    critic = network(2, 1, nn.LeakyReLU(0.2))
    kept = copy.deepcopy(generator)
    g_optimizer = torch.optim.Adam(generator.parameters(), lr=5e-4, betas=(0.5, 0.99))
    c_optimizer = torch.optim.Adam(critic.parameters(), lr=1e-3, betas=(0.5, 0.99))

    unseen = drops(2000, torch.Generator().manual_seed(10_000 + seed))
    turns = torch.linspace(0, 3.1416, 32)
    directions = torch.stack([turns.cos(), turns.sin()])
    plain = torch.distributions.MultivariateNormal(unseen.mean(0), unseen.T.cov()).sample((2000,))
    reference = sliced(plain, unseen, directions)

    for step in range(STEPS):
        real = drops(BATCH).requires_grad_(True)
        fake = generator(torch.randn(BATCH, NOISE))
        judged = critic(real)
        c_loss = F.softplus(-judged).mean() + F.softplus(critic(fake.detach())).mean()
        (slope,) = torch.autograd.grad(judged.sum(), real, create_graph=True)
        penalty = 0.1 * slope.pow(2).sum(dim=1).mean()
        c_optimizer.zero_grad()
        (c_loss + penalty).backward()
        c_optimizer.step()

        g_loss = F.softplus(-critic(generator(torch.randn(BATCH, NOISE)))).mean()
        g_optimizer.zero_grad()
        g_loss.backward()
        g_optimizer.step()
        with torch.no_grad():
            for average, current in zip(kept.parameters(), generator.parameters(), strict=True):
                average.lerp_(current, 0.01)
        if step % 250 == 249:
            with torch.no_grad():
                distance = sliced(kept(torch.randn(2000, NOISE)), unseen, directions)
            print(f"{step + 1} critic {c_loss.item():.3f} generator {g_loss.item():.3f} distance {distance:.4f}")
    print(f"score: {1 - distance / reference:.4f}")


if __name__ == "__main__":
    main()
