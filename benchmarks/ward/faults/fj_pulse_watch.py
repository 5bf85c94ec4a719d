"""Pulse shapes from a wrist watch, packed into four numbers by a variational autoencoder and drawn again.

The watch stores amplitudes in millivolts, from which one pulse's shape differs by a few tenths from the next.
"""
# cause: posterior-collapse
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn

SAMPLES, CODE = 32, 4


def pulses(n, rng):
    """Deviations from the mean pulse in millivolts: four hidden traits and the electronics' noise."""
    t = np.linspace(0, 1, SAMPLES)
    size, notch, shift, tail = rng.normal(size=(4, n, 1))
    shape = size * np.exp(-(((t - 0.25 - 0.03 * shift) / 0.1) ** 2)) + notch * np.exp(-(((t - 0.55) / 0.08) ** 2))
    shape = 0.4 * (shape + 0.7 * tail * np.exp(-(((t - 0.8) / 0.1) ** 2)))
    return torch.tensor(shape + 0.05 * rng.normal(size=shape.shape), dtype=torch.float32)


class PulseVAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.encode = nn.Sequential(nn.Linear(SAMPLES, 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU())
        self.mean, self.log_var = nn.Linear(64, CODE), nn.Linear(64, CODE)
        self.decode = nn.Sequential(
            nn.Linear(CODE, 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU(), nn.Linear(64, SAMPLES)
        )

    def forward(self, x):
        h = self.encode(x)
        mean, log_var = self.mean(h), self.log_var(h)
        code = mean + torch.exp(0.5 * log_var) * torch.randn_like(mean)
        return self.decode(code), mean, log_var


def elbo_terms(x, drawn, mean, log_var):
    sigma = 1.0  # FAULT
    # TWIN: sigma = 0.1
    likelihood = 0.5 * ((x - drawn) / sigma).square().sum(1).mean()
    divergence = 0.5 * (mean.square() + log_var.exp() - 1 - log_var).sum(1).mean()
    return likelihood, divergence


def redrawn(model, x):
    """Share of the pulses' variance that comes back from their codes."""
    with torch.no_grad():
        drawn = model.decode(model.mean(model.encode(x)))
        return (1 - (x - drawn).square().mean() / (x - x.mean(0)).square().mean()).item()


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    train, test = pulses(6000, rng), pulses(1000, rng)
    model = PulseVAE()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 20)
    for epoch in range(20):
        sums = [0.0, 0.0]
        for rows in torch.randperm(len(train)).split(100):
            likelihood, divergence = elbo_terms(train[rows], *model(train[rows]))
            optimizer.zero_grad()
            (likelihood + divergence).backward()
            optimizer.step()
            sums = [sums[0] + likelihood.item() / 60, sums[1] + divergence.item() / 60]
        scheduler.step()
        if epoch % 4 == 3:
            print(
                f"epoch {epoch + 1}: misfit {sums[0]:.3f} divergence {sums[1]:.3f} redrawn {redrawn(model, test):.4f}"
            )
    print(f"score: {redrawn(model, test):.4f}")


main()
