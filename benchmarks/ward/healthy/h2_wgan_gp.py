"""WGAN with gradient penalty (Gulrajani et al., 2017) on a ring of eight Gaussians; five critic steps each."""

import math
import sys

import torch
from torch import autograd, nn, optim

torch.set_num_threads(1)
LAMBDA, CRITIC_ITERS, BATCH, DIM = 0.1, 5, 128, 64


def real_batch(n):
    angle = torch.randint(8, (n,)) * (2 * math.pi / 8)
    return torch.stack([angle.cos(), angle.sin()], dim=1) + 0.05 * torch.randn(n, 2)


def mlp(n_in, n_out):
    return nn.Sequential(nn.Linear(n_in, DIM), nn.ReLU(True), nn.Linear(DIM, DIM), nn.ReLU(True), nn.Linear(DIM, n_out))


def calc_gradient_penalty(netD, real, fake):
    alpha = torch.rand(len(real), 1)
    interpolates = (alpha * real + (1 - alpha) * fake).requires_grad_(True)
    scores = netD(interpolates)
    gradients = autograd.grad(scores, interpolates, torch.ones_like(scores), create_graph=True, retain_graph=True)[0]
    return ((gradients.norm(2, dim=1) - 1) ** 2).mean() * LAMBDA


def energy_distance(a, b):
    return (2 * torch.cdist(a, b).mean() - torch.cdist(a, a).mean() - torch.cdist(b, b).mean()).item()


def main():
    torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    netG, netD = mlp(2, 2), mlp(2, 1)
    optimizerD = optim.Adam(netD.parameters(), lr=2e-3, betas=(0.5, 0.9))
    optimizerG = optim.Adam(netG.parameters(), lr=1e-3, betas=(0.5, 0.9))

    for iteration in range(1, 301):
        for p in netD.parameters():
            p.requires_grad = True
        for _ in range(CRITIC_ITERS):
            real = real_batch(BATCH)
            fake = netG(torch.randn(BATCH, 2)).detach()
            netD.zero_grad()
            wasserstein = netD(real).mean() - netD(fake).mean()
            loss_d = -wasserstein + calc_gradient_penalty(netD, real, fake)
            loss_d.backward()
            optimizerD.step()

        for p in netD.parameters():
            p.requires_grad = False
        netG.zero_grad()
        loss_g = -netD(netG(torch.randn(BATCH, 2))).mean()
        loss_g.backward()
        optimizerG.step()
        if iteration % 50 == 0:
            print(f"iter {iteration} D {loss_d.item():.4f} G {loss_g.item():.4f} W {wasserstein.item():.4f}")

    with torch.no_grad():
        distance = energy_distance(netG(torch.randn(1000, 2)), real_batch(1000))
    print(f"energy distance to fresh data: {distance:.4f}")
    print(f"score: {-distance:.4f}")


if __name__ == "__main__":
    main()
