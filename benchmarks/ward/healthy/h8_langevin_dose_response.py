"""Bayesian dose-response curve of a drug: stochastic gradient Langevin dynamics samples a small network.

Each step adds Gaussian noise matched to the step size; after burn-in the predictions of the draws are averaged.
Scored by the R2 of the averaged curve on new patients; the coverage of the 90 % band is printed too.
"""

import math
import sys

import torch
from torch import nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
NOISE = 0.15
N_TRAIN, BATCH = 400, 100


def patients(n):
    dose = 4 * torch.rand(n, 1) - 2
    weight = torch.randn(n, 1)
    effect = torch.tanh(1.5 * dose + 0.5 * weight) + 0.3 * torch.sin(2 * dose)
    return torch.cat([dose, weight], 1), effect + NOISE * torch.randn(n, 1)


class Langevin(torch.optim.Optimizer):
    """theta <- theta - eps/2 * grad(U) + sqrt(eps) * N(0, 1), U = minus log posterior."""

    def __init__(self, params, eps):
        super().__init__(params, {"eps": eps})

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                p.add_(p.grad, alpha=-group["eps"] / 2)
                p.add_(torch.randn_like(p), alpha=math.sqrt(group["eps"]))


x, y = patients(N_TRAIN)
x_new, y_new = patients(300)
net = nn.Sequential(nn.Linear(2, 20), nn.Tanh(), nn.Linear(20, 1))
sampler = Langevin(net.parameters(), eps=2e-5)


def minus_log_posterior(rows):
    misfit = (net(x[rows]) - y[rows]).square().sum() / (2 * NOISE**2)
    prior = sum(p.square().sum() for p in net.parameters()) / 2
    return misfit * (N_TRAIN / len(rows)) + prior


draws = []
smooth = None
for step in range(3000):
    rows = torch.randperm(N_TRAIN)[:BATCH]
    sampler.zero_grad()
    energy = minus_log_posterior(rows)
    energy.backward()
    sampler.step()
    smooth = energy.item() if smooth is None else 0.99 * smooth + 0.01 * energy.item()
    if step % 300 == 0:
        print(f"step {step:4d} energy (smoothed) {smooth:.1f}")
    if step >= 1500 and step % 25 == 0:
        with torch.no_grad():
            draws.append(net(x_new))

draws = torch.stack(draws)
mean = draws.mean(0)
spread = (draws.var(0) + NOISE**2).sqrt()
covered = ((y_new - mean).abs() < 1.645 * spread).float().mean().item()
r2 = 1 - (y_new - mean).square().sum() / (y_new - y_new.mean()).square().sum()
print(f"{len(draws)} draws, 90 % band covers {covered:.3f}")
print(f"score: {r2.item():.4f}")
