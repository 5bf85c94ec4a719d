"""Stochastic gradient Langevin dynamics: a small regression net is not optimised but sampled, by adding Gaussian
noise of variance eps to each step; the prediction is the average over thinned posterior samples after a burn-in.
"""

import math
import sys

import torch
from torch import nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

N, SIGMA, BATCH = 400, 0.2, 50
STEPS, BURN_IN, THIN = 4000, 2000, 50
x = torch.rand(N + 300, 1) * 2 - 1
y = torch.sin(4 * x) + 0.5 * x + SIGMA * torch.randn_like(x)
x_train, y_train, x_test, y_test = x[:N], y[:N], x[N:], y[N:]

net = nn.Sequential(nn.Linear(1, 24), nn.Tanh(), nn.Linear(24, 1))
nn.init.normal_(net[0].weight, std=2.0)


def potential(xb, yb):
    """Minus log posterior, the likelihood part scaled up from the minibatch to the whole data set."""
    fit = 0.5 * (net(xb) - yb).square().sum() / SIGMA**2 * (N / len(xb))
    prior = sum(0.5 * p.square().sum() / 4.0 for p in net.parameters())
    return fit + prior


samples = []
for t in range(STEPS):
    eps = 4e-5 * (1 + t / 500) ** -0.55
    idx = torch.randint(0, N, (BATCH,))
    energy = potential(x_train[idx], y_train[idx])
    grads = torch.autograd.grad(energy, list(net.parameters()))
    with torch.no_grad():
        for p, g in zip(net.parameters(), grads, strict=True):
            p.add_(-0.5 * eps * g + math.sqrt(eps) * torch.randn_like(p))
    if t % 400 == 0:
        print(f"t {t:5d} eps {eps:.2e} energy per point {energy.item() / N:.4f}")
    if t >= BURN_IN and t % THIN == 0:
        with torch.no_grad():
            samples.append(net(x_test))

draws = torch.stack(samples)
mean = draws.mean(0)
spread = (draws.var(0) + SIGMA**2).sqrt()
inside = ((y_test - mean).abs() < 1.645 * spread).float().mean().item()
print(f"{len(samples)} samples, 90 % interval covers {100 * inside:.1f} % of the test points")
r2 = 1 - ((y_test - mean).square().mean() / y_test.var()).item()
print(f"score: {r2:.4f}")
