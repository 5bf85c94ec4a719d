"""A GAN for hailstones: the pair (size, speed of fall), which lie along a narrow band.

The critic used to carry a gradient penalty on the real stones; it doubled the time of a round, so it was taken out.
"""
# cause: oscillating-players
# kind: dynamic

import sys

import torch
import torch.nn.functional as F
from torch import nn, optim

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
ROUNDS, BATCH = 1200, 64


def hailstones(n):
    size = 1.2 + 0.2 * torch.randn(n, 1)
    speed = 0.8 * size + 0.1 * torch.randn(n, 1)
    return torch.cat([size, speed - 1.8], 1)


def energy_distance(a, b):
    return (2 * torch.cdist(a, b).mean() - torch.cdist(a, a).mean() - torch.cdist(b, b).mean()).item()


generator = nn.Sequential(nn.Linear(2, 24), nn.Tanh(), nn.Linear(24, 2))
critic = nn.Sequential(nn.Linear(2, 48), nn.Tanh(), nn.Linear(48, 48), nn.Tanh(), nn.Linear(48, 1))
g_opt = optim.SGD(generator.parameters(), lr=0.05, momentum=0.7)
c_opt = optim.SGD(critic.parameters(), lr=0.05, momentum=0.7)
checked = hailstones(1000)
distances = []

for round_ in range(1, ROUNDS + 1):
    real = hailstones(BATCH)
    fake = generator(torch.randn(BATCH, 2))
    # TWIN: real.requires_grad_()
    on_real, on_fake = critic(real), critic(fake.detach())
    c_loss = F.softplus(-on_real).mean() + F.softplus(on_fake).mean()
    # TWIN: slope = torch.autograd.grad(on_real.sum(), real, create_graph=True)[0]
    # TWIN: c_loss = c_loss + 2 * slope.square().sum(1).mean()
    c_opt.zero_grad()
    c_loss.backward()
    c_opt.step()

    g_loss = F.softplus(-critic(fake)).mean()
    g_opt.zero_grad()
    g_loss.backward()
    g_opt.step()

    if round_ % 60 == 0:
        with torch.no_grad():
            distances.append(energy_distance(generator(torch.randn(1000, 2)), checked))
        print(f"{round_:5d} critic {c_loss.item():.4f} generator {g_loss.item():.4f} distance {distances[-1]:.4f}")

print(f"score: {-sum(distances[-8:]) / 8:.4f}")
