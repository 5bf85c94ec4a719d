"""Simulation-based inference: amortised neural posterior estimation for a noisy damped oscillator.

Parameters are drawn from the prior, data simulated on the fly, and a full-covariance Gaussian (mean and Cholesky
factor from the net) is fitted by minus log density. Score: log posterior density gained over the prior's Gaussian.
"""

import sys

import torch
from torch import nn
from torch.distributions import MultivariateNormal

torch.set_num_threads(1)
SEED = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(SEED)

LOW = torch.tensor([0.6, 0.05, 0.5])
HIGH = torch.tensor([1.6, 0.50, 2.0])
TIMES = torch.linspace(0, 8, 32)


def simulate(n):
    """Damped oscillation with frequency, damping and amplitude; observed at 32 times."""
    unit = torch.rand(n, 3)
    frequency, damping, amplitude = (LOW + (HIGH - LOW) * unit).unsqueeze(2).unbind(1)
    clean = amplitude * torch.exp(-damping * TIMES) * torch.cos(frequency * TIMES)
    theta = (unit - 0.5) * 12**0.5  # standardised uniform prior
    return theta, clean + 0.2 * torch.randn_like(clean)


class PosteriorNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(32, 96), nn.ELU(), nn.Linear(96, 96), nn.ELU())
        self.mean = nn.Linear(96, 3)
        self.diagonal = nn.Linear(96, 3)
        self.lower = nn.Linear(96, 3)

    def forward(self, data):
        h = self.trunk(data)
        scale = torch.diag_embed(nn.functional.softplus(self.diagonal(h)) + 1e-3)
        rows, cols = torch.tril_indices(3, 3, offset=-1)
        strict = torch.zeros(len(data), 3, 3)
        strict[:, rows, cols] = self.lower(h)
        return MultivariateNormal(self.mean(h), scale_tril=scale + strict)


net = PosteriorNet()
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=900)
check_theta, check_data = simulate(1000)
smoothed = None

for simulation_round in range(900):
    theta, data = simulate(100)
    loss = -net(data).log_prob(theta).mean()
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(net.parameters(), 5.0)
    optimizer.step()
    scheduler.step()
    smoothed = loss.item() if smoothed is None else 0.97 * smoothed + 0.03 * loss.item()
    if simulation_round % 150 == 149:
        print(f"round {simulation_round + 1}: smoothed minus log density {smoothed:.4f}")

with torch.no_grad():
    posterior = net(check_data)
    gained = posterior.log_prob(check_theta) - MultivariateNormal(torch.zeros(3), torch.eye(3)).log_prob(check_theta)
    z = (check_theta - posterior.mean) / posterior.stddev
for name, column in zip(("frequency", "damping", "amplitude"), z.abs().unbind(1)):
    print(f"{name}: 90% interval covers {(column < 1.645).float().mean().item():.3f}")
print(f"score: {gained.mean().item():.4f}")
