"""Dune heights with a GAN in the manner of Lightning: configure_optimizers returns two, a loop goes over both."""
# cause: generator-dominates
# kind: dynamic

import sys
from dataclasses import dataclass, field

import torch
from torch import nn


@dataclass
class Rates:
    gen: float = 5e-4
    disc: float = 1e-6  # FAULT
    # TWIN: disc: float = 1e-3


@dataclass
class Options:
    latent: int = 4
    steps: int = 2200
    batch: int = 128
    rates: Rates = field(default_factory=Rates)


def mlp(*sizes):
    layers = []
    for a, b in zip(sizes, sizes[1:]):
        layers += [nn.Linear(a, b), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers[:-1])


def dunes(n):
    along = torch.rand(n, 1) * 3 - 1.5
    kind = (torch.rand(n, 1) < 0.5).float()
    height = kind * (0.6 * along**2 - 0.4) + (1 - kind) * (0.8 - 0.3 * along)
    return torch.cat([along, height], 1) + 0.06 * torch.randn(n, 2)


class DuneGAN(nn.Module):
    def __init__(self, options):
        super().__init__()
        self.options = options
        self.gen = mlp(options.latent, 64, 64, 2)
        self.disc = mlp(2, 64, 64, 1)
        self.criterion = nn.BCEWithLogitsLoss()

    def configure_optimizers(self):
        rates = self.options.rates
        return [
            torch.optim.Adam(self.gen.parameters(), rates.gen, (0.5, 0.9)),
            torch.optim.Adam(self.disc.parameters(), rates.disc, (0.5, 0.9)),
        ]

    def sample(self, n):
        return self.gen(torch.randn(n, self.options.latent))

    def training_loss(self, real, which):
        fake = self.sample(len(real))
        yes, no = torch.ones(len(real), 1), torch.zeros(len(real), 1)
        if which == 0:
            return self.criterion(self.disc(fake), yes)
        return self.criterion(self.disc(real), yes) + self.criterion(self.disc(fake.detach()), no)


def energy_distance(a, b):
    return (2 * torch.cdist(a, b).mean() - torch.cdist(a, a).mean() - torch.cdist(b, b).mean()).item()


def main():
    torch.set_num_threads(1)
    torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    options = Options()
    gan = DuneGAN(options)
    optimizers = gan.configure_optimizers()
    for step in range(options.steps):
        real = dunes(options.batch)
        for which, optimizer in enumerate(optimizers):
            loss = gan.training_loss(real, which)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    with torch.no_grad():
        print(f"score: {-energy_distance(gan.sample(1500), dunes(1500)):.4f}")


if __name__ == "__main__":
    main()
