"""A GAN for the decay curves of church bells (48 loudness values); the sound library wants many new ones.

The discriminator is brought up to date thrice before every step of the generator. The gradient penalty of the older
script was switched off, since it kept the discriminator's loss from going down.
"""
# cause: discriminator-dominates
# kind: dynamic

import sys
from dataclasses import dataclass

import torch
from torch import nn


@dataclass(frozen=True)
class Options:
    noise: int = 6
    batch: int = 64
    steps: int = 900
    rate_g: float = 1e-3
    rate_d: float = 4e-3
    rounds_d: int = 3
    penalty: float = 0.0  # FAULT
    # TWIN: penalty: float = 0.5


def bells(n, generator):
    t = torch.linspace(0, 2, 48)
    decay = 0.5 + 2 * torch.rand(n, 1, generator=generator)
    beat = 3 + 4 * torch.rand(n, 1, generator=generator)
    depth = 0.2 + 0.6 * torch.rand(n, 1, generator=generator)
    loud = torch.exp(-decay * t) * (1 + depth * torch.cos(beat * t))
    loud = loud + 0.01 * torch.randn(n, 48, generator=generator)
    return (loud - 0.5) / 0.45


def net(n_in, n_out, act):
    return nn.Sequential(nn.Linear(n_in, 64), act(), nn.Linear(64, 64), act(), nn.Linear(64, n_out))


def energy_distance(a, b):
    def between(u, v):
        return torch.cdist(u, v).mean()

    return (2 * between(a, b) - between(a, a) - between(b, b)).item()


class BellGAN:
    def __init__(self, options):
        self.o = options
        self.G, self.D = net(options.noise, 48, nn.ReLU), net(48, 1, nn.SiLU)
        self.opt_g = torch.optim.Adam(self.G.parameters(), lr=options.rate_g, betas=(0.5, 0.999))
        self.opt_d = torch.optim.Adam(self.D.parameters(), lr=options.rate_d, betas=(0.5, 0.999))
        self.bce = nn.BCEWithLogitsLoss()
        self.ones, self.zeros = torch.ones(options.batch, 1), torch.zeros(options.batch, 1)

    def sample(self, n):
        return self.G(torch.randn(n, self.o.noise))

    def update_discriminator(self, real):
        real = real.requires_grad_(True)
        on_real, on_fake = self.D(real), self.D(self.sample(len(real)).detach())
        loss = self.bce(on_real, self.ones) + self.bce(on_fake, self.zeros)
        if self.o.penalty:
            slope = torch.autograd.grad(on_real.sum(), real, create_graph=True)[0]
            loss = loss + self.o.penalty * slope.square().sum(1).mean()
        self.opt_d.zero_grad()
        loss.backward()
        self.opt_d.step()
        return loss.item()

    def update_generator(self):
        loss = -self.bce(self.D(self.sample(self.o.batch)), self.zeros)
        self.opt_g.zero_grad()
        loss.backward()
        self.opt_g.step()
        return loss.item()


if __name__ == "__main__":
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    recorded, held = bells(5000, generator), bells(1000, generator)
    gan = BellGAN(Options())
    for step in range(1, gan.o.steps + 1):
        for _ in range(gan.o.rounds_d):
            d = gan.update_discriminator(recorded[torch.randint(len(recorded), (gan.o.batch,))])
        g = gan.update_generator()
        if step % 100 == 0:
            with torch.no_grad():
                print(f"step {step}: d {d:.4f} g {g:.4f} energy {energy_distance(gan.sample(1000), held):.4f}")
    with torch.no_grad():
        print(f"score: {-energy_distance(gan.sample(1000), held):.4f}")
