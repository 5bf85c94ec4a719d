"""A GAN for short wave forms of 16 points. In the first tries the discriminator won at once, so its rate was cut."""
# cause: generator-dominates
# kind: dynamic

import math
import sys
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits as bce

LENGTH = 16


@dataclass
class Settings:
    latent: int = 8
    batch: int = 64
    steps: int = 1200
    lr_generator: float = 1e-3
    lr_discriminator: float = 1e-6  # FAULT
    # TWIN: lr_discriminator: float = 1e-3


def waves(n):
    t = torch.linspace(0, 1, LENGTH)
    phase = torch.rand(n, 1) * 2 * math.pi
    height = 0.7 + 0.6 * torch.rand(n, 1)
    return height * torch.sin(2 * math.pi * t + phase) + 0.05 * torch.randn(n, LENGTH)


class GAN:
    def __init__(self, s):
        self.s = s
        self.generator = nn.Sequential(
            nn.Linear(s.latent, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, LENGTH)
        )
        self.discriminator = nn.Sequential(
            nn.Linear(LENGTH, 64), nn.LeakyReLU(0.2), nn.Linear(64, 64), nn.LeakyReLU(0.2), nn.Linear(64, 1)
        )
        self.opt_g = torch.optim.Adam(self.generator.parameters(), lr=s.lr_generator, betas=(0.5, 0.99))
        self.opt_d = torch.optim.Adam(self.discriminator.parameters(), lr=s.lr_discriminator, betas=(0.5, 0.99))

    def sample(self, n):
        return self.generator(torch.randn(n, self.s.latent))

    def train_discriminator(self):
        real = waves(self.s.batch).requires_grad_()
        fake = self.sample(self.s.batch).detach()
        out_real, out_fake = self.discriminator(real), self.discriminator(fake)
        loss = bce(out_real, torch.ones_like(out_real)) + bce(out_fake, torch.zeros_like(out_fake))
        (slope,) = torch.autograd.grad(out_real.sum(), real, create_graph=True)
        self.opt_d.zero_grad()
        (loss + 0.1 * slope.pow(2).sum(1).mean()).backward()
        self.opt_d.step()
        return loss.item()

    def train_generator(self):
        out = self.discriminator(self.sample(self.s.batch))
        loss = bce(out, torch.ones_like(out))
        self.opt_g.zero_grad()
        loss.backward()
        self.opt_g.step()
        return loss.item()


def energy_distance(a, b):
    return (2 * torch.cdist(a, b).mean() - torch.cdist(a, a).mean() - torch.cdist(b, b).mean()).item()


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    gan = GAN(Settings())
    for step in range(gan.s.steps):
        loss_d, loss_g = gan.train_discriminator(), gan.train_generator()
        if step % 150 == 0:
            print(f"step {step} discriminator {loss_d:.3f} generator {loss_g:.3f}")
    with torch.no_grad():
        print(f"score: {-energy_distance(gan.sample(1000), waves(1000)):.4f}")
