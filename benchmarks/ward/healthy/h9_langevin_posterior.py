"""Bayesian neural regression by stochastic gradient Langevin dynamics (Welling and Teh 2011).

Every step of the chain adds Gaussian noise of variance twice the step size to the weights; networks visited after
the burn-in are averaged. Score: R2 of the averaged prediction on held-out points.
"""

import sys

import torch
from torch import nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

NOISE_STD, PRIOR_STD = 0.25, 1.0
x = 4 * torch.rand(600, 1) - 2
y = torch.sin(2.5 * x) + 0.3 * x**2 - 0.4 + NOISE_STD * torch.randn_like(x)
x_train, y_train, x_test, y_test = x[:400], y[:400], x[400:], y[400:]
N, BATCH = len(x_train), 100

net = nn.Sequential(nn.Linear(1, 30), nn.Tanh(), nn.Linear(30, 1))
params = list(net.parameters())


def negative_log_posterior(idx):
    residual = net(x_train[idx]) - y_train[idx]
    likelihood = residual.square().sum() * (N / len(idx)) / (2 * NOISE_STD**2)
    prior = sum(p.square().sum() for p in params) / (2 * PRIOR_STD**2)
    return likelihood + prior


warm_up = torch.optim.Adam(params, lr=0.01)  # start the chain near the maximum a posteriori
for t in range(500):
    warm_up.zero_grad()
    energy = negative_log_posterior(torch.randint(N, (BATCH,))) / N
    energy.backward()
    warm_up.step()
print(f"after the warm-up: energy per point {energy.item():.4f}")

steps, burn_in, thin = 5000, 1500, 50
kept = []
for t in range(steps):
    step_size = 5e-6 * (1 + t / 500) ** -0.4
    energy = negative_log_posterior(torch.randint(N, (BATCH,)))
    grads = torch.autograd.grad(energy, params)
    with torch.no_grad():
        for p, g in zip(params, grads):
            p.add_(-step_size * g + (2 * step_size) ** 0.5 * torch.randn_like(p))
    if t % 1000 == 0:
        print(f"step {t:5d}  energy per point {energy.item() / N:.4f}  step size {step_size:.2e}")
    if t >= burn_in and t % thin == 0:
        with torch.no_grad():
            kept.append(net(x_test))

draws = torch.stack(kept)
mean, std = draws.mean(0), (draws.var(0) + NOISE_STD**2).sqrt()
covered = ((y_test - mean).abs() < 1.645 * std).float().mean()
print(f"{len(kept)} networks kept; the 90 % interval covers {covered:.3f} of the test points")
print(f"score: {1 - (y_test - mean).square().mean() / y_test.var():.4f}")
