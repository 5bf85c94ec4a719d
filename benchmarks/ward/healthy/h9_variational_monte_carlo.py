"""Variational Monte Carlo: the ground state of two coupled anharmonic oscillators with a neural wave function.

Samples from |psi|^2 come from persistent Metropolis walkers; the energy gradient is the covariance of the local energy
with log psi.  The exact energy for comparison comes from a harmonic-oscillator basis.  Score: minus the energy error.
"""

import sys

import numpy as np
import torch
from torch import nn

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
torch.set_num_threads(1)


def potential(r):
    return 0.5 * r.square().sum(-1) + 0.25 * (r**4).sum(-1) + 0.5 * r[..., 0] * r[..., 1]


def exact_energy(size=24):
    a = np.diag(np.sqrt(np.arange(1, size)), 1)
    q, p2 = (a + a.T) / np.sqrt(2), -((a - a.T) @ (a - a.T)) / 2
    one = 0.5 * p2 + 0.5 * q @ q + 0.25 * q @ q @ q @ q
    eye = np.eye(size)
    return np.linalg.eigvalsh(np.kron(one, eye) + np.kron(eye, one) + 0.5 * np.kron(q, q))[0]


class LogPsi(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(2, 24), nn.Tanh(), nn.Linear(24, 1))
        self.width = nn.Parameter(torch.tensor([0.4, 0.4]))

    def forward(self, r):
        return self.net(r).squeeze(-1) - (self.width * r.square()).sum(-1)


log_psi = LogPsi()


def metropolis(r, sweeps=8, width=0.9):
    with torch.no_grad():
        current = log_psi(r)
        for _ in range(sweeps):
            proposal = r + width * torch.randn_like(r)
            candidate = log_psi(proposal)
            accept = torch.rand(len(r)).log() < 2 * (candidate - current)
            r = torch.where(accept[:, None], proposal, r)
            current = torch.where(accept, candidate, current)
    return r


def local_energy(r):
    r = r.clone().requires_grad_(True)
    (slope,) = torch.autograd.grad(log_psi(r).sum(), r, create_graph=True)
    laplacian = sum(torch.autograd.grad(slope[:, k].sum(), r, retain_graph=True)[0][:, k] for k in range(2))
    return (potential(r) - 0.5 * (laplacian + slope.square().sum(-1))).detach()


walkers = metropolis(torch.randn(600, 2), sweeps=50)
optimizer = torch.optim.Adam(log_psi.parameters(), lr=1e-2)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=500, eta_min=1e-3)
for step in range(500):
    walkers = metropolis(walkers)
    energy = local_energy(walkers)
    loss = 2 * ((energy - energy.mean()) * log_psi(walkers)).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    scheduler.step()
    if step % 50 == 0:
        print(f"step {step:3d}  energy {energy.mean():.4f} +- {energy.std() / 600**0.5:.4f}")

samples = []
for _ in range(40):
    walkers = metropolis(walkers)
    samples.append(local_energy(walkers).mean())
estimate, exact = torch.stack(samples).mean().item(), exact_energy()
print(f"estimate {estimate:.4f}, exact {exact:.4f}")
print(f"score: {-abs(estimate - exact):.5f}")
