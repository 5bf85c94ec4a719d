"""New ice crystals for a cloud simulation: a GAN over (length, width, tilt, density), all standardized.

The discriminator is the slow part on the cluster, so it is brought up to date now and then.
"""
# cause: generator-dominates
# accept: mode-collapse
# kind: dynamic

import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F


def crystals(n, generator):
    habit = torch.rand(n, generator=generator) < 0.5
    length = torch.where(habit, 1.0, -1.0) + 0.3 * torch.randn(n, generator=generator)
    width = torch.where(habit, -0.5, 1.0) * length + 0.2 * torch.randn(n, generator=generator)
    tilt = torch.sin(2 * length) + 0.3 * torch.randn(n, generator=generator)
    density = 0.8 * torch.randn(n, generator=generator)
    table = torch.stack([length, width, tilt, density], 1)
    return (table - table.mean(0)) / table.std(0)


class Generator(nn.Module):
    def __init__(self, n_noise=4, hidden=64):
        super().__init__()
        self.n_noise = n_noise
        self.fc1, self.fc2, self.out = nn.Linear(n_noise, hidden), nn.Linear(hidden, hidden), nn.Linear(hidden, 4)

    def forward(self, n):
        h = F.relu(self.fc1(torch.randn(n, self.n_noise)))
        return self.out(F.relu(self.fc2(h)))


class Discriminator(nn.Module):
    def __init__(self, hidden=64):
        super().__init__()
        self.fc1, self.fc2, self.out = nn.Linear(4, hidden), nn.Linear(hidden, hidden), nn.Linear(hidden, 1)

    def forward(self, x):
        h = F.leaky_relu(self.fc1(x), 0.2)
        return self.out(F.leaky_relu(self.fc2(h), 0.2)).squeeze(1)


def distance(a, b):
    """Energy distance of two samples: 0 when they are alike."""
    return (2 * torch.cdist(a, b).mean() - torch.cdist(a, a).mean() - torch.cdist(b, b).mean()).item()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", type=int, nargs="?", default=0)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--discriminator-every", type=int, default=40)  # FAULT
    # TWIN: parser.add_argument("--discriminator-every", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    generator = torch.Generator().manual_seed(args.seed)
    measured, held = crystals(5000, generator), crystals(1000, generator)
    G, D = Generator(), Discriminator()
    opt_g = torch.optim.Adam(G.parameters(), lr=5e-4, betas=(0.5, 0.99))
    opt_d = torch.optim.Adam(D.parameters(), lr=5e-4, betas=(0.5, 0.99))
    for step in range(args.steps):
        fake = G(128)
        if step % args.discriminator_every == 0:
            real = measured[torch.randint(len(measured), (128,))].requires_grad_()
            on_real, on_fake = D(real), D(fake.detach())
            (slope,) = torch.autograd.grad(on_real.sum(), real, create_graph=True)
            loss_d = F.softplus(-on_real).mean() + F.softplus(on_fake).mean() + 0.2 * slope.pow(2).sum(1).mean()
            opt_d.zero_grad()
            loss_d.backward()
            opt_d.step()
        loss_g = F.softplus(-D(fake)).mean()
        opt_g.zero_grad()
        loss_g.backward()
        opt_g.step()
        if step % 200 == 199:
            with torch.no_grad():
                away = distance(G(1000), held)
            print(f"step {step + 1}: D {loss_d.item():.3f} G {loss_g.item():.3f} distance {away:.4f}")
    with torch.no_grad():
        print(f"score: {-distance(G(1000), held):.4f}")


main()
