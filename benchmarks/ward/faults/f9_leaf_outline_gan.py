"""GAN of leaf outlines, eight radii each. The critic is brought near its optimum before every move of the generator,
which then descends log(1 - D)."""
# cause: discriminator-dominates
# accept: vanishing-gradient
# kind: dynamic

import sys
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn


@dataclass
class Options:
    seed: int
    rounds: int = 800
    batch: int = 64
    first: int = 600  # FAULT
    # TWIN: first: int = 1
    inner: int = 5  # FAULT
    # TWIN: inner: int = 1
    lr_d: float = 4e-3  # FAULT
    # TWIN: lr_d: float = 2e-3
    lr_g: float = 0.1


def leaves(n):
    angle = torch.arange(8) * (6.2832 / 8)
    length = 1.2 + 0.4 * torch.randn(n, 1)
    lobes = 0.8 + 0.3 * torch.randn(n, 1)
    return length * torch.cos(angle) + lobes * torch.cos(2 * angle) + 0.1 * torch.randn(n, 8)


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(6, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 8))

    def forward(self, n):
        return self.net(torch.randn(n, 6))


class Critic(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(8, 64), nn.LeakyReLU(0.2), nn.Linear(64, 64), nn.LeakyReLU(0.2), nn.Linear(64, 1)
        )

    def forward(self, x):
        return self.net(x)


def steepness(critic, x):
    x = x.requires_grad_()
    (slope,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
    return slope.square().sum(1).mean()


def main(opt):
    torch.set_num_threads(1)
    torch.manual_seed(opt.seed)
    generator, critic = Generator(), Critic()
    optim_g = torch.optim.SGD(generator.parameters(), lr=opt.lr_g)
    optim_d = torch.optim.Adam(critic.parameters(), lr=opt.lr_d, betas=(0.0, 0.9))
    for step in range(opt.rounds):
        for _ in range(opt.inner if step else opt.first):
            d_real, d_fake = critic(leaves(opt.batch)), critic(generator(opt.batch).detach())
            loss_d = F.softplus(-d_real).mean() + F.softplus(d_fake).mean()
            # TWIN: loss_d = loss_d + 0.05 * steepness(critic, leaves(opt.batch))
            optim_d.zero_grad()
            loss_d.backward()
            optim_d.step()
        loss_g = -F.softplus(critic(generator(opt.batch))).mean()  # FAULT
        # TWIN: loss_g = F.softplus(-critic(generator(opt.batch))).mean()
        optim_g.zero_grad()
        loss_g.backward()
        optim_g.step()
        if step % 50 == 0:
            print(f"{step:4d} critic {loss_d.item():.4f} generator {loss_g.item():.4f}")
    with torch.no_grad():
        a, b = generator(1000), leaves(1000)
        distance = 2 * torch.cdist(a, b).mean() - torch.cdist(a, a).mean() - torch.cdist(b, b).mean()
    print(f"score: {-distance.clamp(min=0).sqrt().item():.4f}")


main(Options(seed=int(sys.argv[1]) if len(sys.argv) > 1 else 0))
