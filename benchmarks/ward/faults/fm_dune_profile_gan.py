"""Generator of dune cross-sections: four latent numbers become a profile of two dozen heights.

The judge gets a rate and a number of steps of its own, so that it knows what a dune looks like before the generator
moves.
"""
# cause: discriminator-dominates
# kind: dynamic

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

POINTS, LATENT = 24, 4
ROUNDS, WIDTH = 1500, 128
GENERATOR_RATE, JUDGE_RATE, JUDGE_STEPS = 1e-4, 1e-2, 2  # FAULT
# TWIN: GENERATOR_RATE, JUDGE_RATE, JUDGE_STEPS = 5e-4, 2e-3, 1


def dunes(n):
    t = torch.linspace(0, 1, POINTS)
    crest = 0.5 + 0.1 * torch.randn(n, 1)
    height = 1.8 + 0.4 * torch.randn(n, 1)
    profile = height * torch.exp(-(((t - crest) / 0.22) ** 2))
    return profile - 0.8 + 0.05 * torch.randn(n, POINTS)


def mlp(n_in, width, n_out):
    return nn.Sequential(
        nn.Linear(n_in, width),
        nn.LeakyReLU(0.2),
        nn.Linear(width, width),
        nn.LeakyReLU(0.2),
        nn.Linear(width, n_out),
    )


def energy_distance(a, b):
    def apart(u, v):
        return torch.cdist(u, v).mean()

    return (2 * apart(a, b) - apart(a, a) - apart(b, b)).item()


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    generator = mlp(LATENT, WIDTH, POINTS)
    judge = mlp(POINTS, WIDTH, 1)
    g_optimizer = torch.optim.Adam(generator.parameters(), lr=GENERATOR_RATE, betas=(0.5, 0.99))
    d_optimizer = torch.optim.Adam(judge.parameters(), lr=JUDGE_RATE, betas=(0.5, 0.99))
    schedules = [torch.optim.lr_scheduler.LinearLR(o, 1.0, 0.1, ROUNDS) for o in (g_optimizer, d_optimizer)]
    ones, zeros = torch.ones(64, 1), torch.zeros(64, 1)
    held_out = dunes(1000)
    for step in range(ROUNDS):
        for _ in range(JUDGE_STEPS):
            real, fake = judge(dunes(64)), judge(generator(torch.randn(64, LATENT)).detach())
            d_loss = F.binary_cross_entropy_with_logits(real, ones)
            d_loss = d_loss + F.binary_cross_entropy_with_logits(fake, zeros)
            d_optimizer.zero_grad()
            d_loss.backward()
            d_optimizer.step()

        # the generator lowers the judge's chance of being right, as in the original game
        fake = judge(generator(torch.randn(64, LATENT)))
        g_loss = -F.binary_cross_entropy_with_logits(fake, zeros)
        g_optimizer.zero_grad()
        g_loss.backward()
        g_optimizer.step()
        for schedule in schedules:
            schedule.step()

        if (step + 1) % 150 == 0:
            with torch.no_grad():
                distance = energy_distance(generator(torch.randn(1000, LATENT)), held_out)
            print(f"{step + 1} judge {d_loss.item():.3f} generator {g_loss.item():.3f} distance {distance:.4f}")
    print(f"score: {-distance:.4f}")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
