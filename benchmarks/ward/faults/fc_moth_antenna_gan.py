"""Makes up response curves of moth antennae (eight scents) for power analysis: a GAN on narrowly spread measurements.

Both networks get the optimizer with the settings that serve us everywhere else.
"""
# cause: oscillating-players
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

SCENTS, NOISE_DIM = 8, 4


def measured(n, rng):
    """Strong response to half of the scents; the animal's age turns the small differences."""
    base = np.repeat([-0.8, 0.8], SCENTS // 2)
    age = rng.random((n, 1))
    curves = base + 0.3 * np.sin(2 * np.pi * (age + 0.3 * np.linspace(-1, 1, SCENTS)))
    return torch.tensor(curves + rng.normal(scale=0.09, size=curves.shape), dtype=torch.float32)


class Net(nn.Module):
    def __init__(self, n_in, n_out, width=32):
        super().__init__()
        self.l1 = nn.Linear(n_in, width)
        self.l2 = nn.Linear(width, width)
        self.l3 = nn.Linear(width, n_out)

    def forward(self, x):
        x = F.leaky_relu(self.l1(x), 0.2)
        x = F.leaky_relu(self.l2(x), 0.2)
        return self.l3(x)


def energy_distance(a, b):
    """Distance of two samples, in units of the spread of the second."""
    within = torch.cdist(b, b).mean()
    return ((2 * torch.cdist(a, b).mean() - torch.cdist(a, a).mean() - within) / within).item()


class GAN:
    def __init__(self, lr=2e-3):
        self.generator, self.discriminator = Net(NOISE_DIM, SCENTS), Net(SCENTS, 1)
        betas = (0.9, 0.999)  # FAULT
        # TWIN: betas = (0.0, 0.99)
        self.g_opt = torch.optim.Adam(self.generator.parameters(), lr=lr, betas=betas)
        self.d_opt = torch.optim.Adam(self.discriminator.parameters(), lr=lr, betas=betas)
        self.schedules = [torch.optim.lr_scheduler.ExponentialLR(o, 0.94) for o in (self.g_opt, self.d_opt)]

    def sample(self, n):
        return self.generator(torch.randn(n, NOISE_DIM))

    def step(self, real):
        ones, zeros = torch.ones(len(real), 1), torch.zeros(len(real), 1)
        fake = self.sample(len(real))
        d_loss = F.binary_cross_entropy_with_logits(self.discriminator(real), ones)
        d_loss = d_loss + F.binary_cross_entropy_with_logits(self.discriminator(fake.detach()), zeros)
        self.d_opt.zero_grad()
        d_loss.backward()
        self.d_opt.step()

        g_loss = F.binary_cross_entropy_with_logits(self.discriminator(fake), ones)
        self.g_opt.zero_grad()
        g_loss.backward()
        self.g_opt.step()
        return d_loss.item(), g_loss.item()


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    loader = DataLoader(TensorDataset(measured(4096, rng)), batch_size=64, shuffle=True, drop_last=True)
    held_out = measured(800, rng)
    gan, distances = GAN(), []
    epochs = 24
    for epoch in range(epochs):
        for (real,) in loader:
            d_loss, g_loss = gan.step(real)
        for schedule in gan.schedules:
            schedule.step()
        with torch.no_grad():
            fake = gan.sample(800)
        distances.append(energy_distance(fake, held_out))
        offset = (fake.mean(0) - held_out.mean(0)).norm().item()
        print(f"epoch {epoch:2d}  d {d_loss:.3f}  g {g_loss:.3f}  distance {distances[-1]:.3f}  offset {offset:.3f}")
    # any single epoch may be lucky
    print(f"score: {-np.mean(distances[-8:]):.4f}")


if __name__ == "__main__":
    main()
