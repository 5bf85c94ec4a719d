"""GAN of points on a ring, the discriminator judged in pairs (relativistic loss), with a penalty on its gradient at
real points."""
# cause: mode-collapse
# accept: generator-dominates
# kind: dynamic

import math
import sys

import torch
from torch import nn
from torch.nn.functional import softplus


def real(n):
    angle = 2 * math.pi * torch.rand(n)
    radius = 1.2 + 0.1 * torch.randn(n)
    return torch.stack([radius * angle.cos(), radius * angle.sin()], dim=1)


def net(sizes):
    layers = []
    for a, b in zip(sizes, sizes[1:]):
        layers += [nn.Linear(a, b), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers[:-1])


seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
g, d = net([4, 64, 64, 2]), net([2, 64, 64, 1])
g_opt = torch.optim.Adam(g.parameters(), lr=1e-3, betas=(0.0, 0.9))
d_opt = torch.optim.Adam(d.parameters(), lr=1e-3, betas=(0.0, 0.9))
for step in range(1, 1201):
    x = real(96).requires_grad_()
    judged = d(x)
    slope = torch.autograd.grad(judged.sum(), x, create_graph=True)[0].square().sum(1).mean()
    d_loss = softplus(-(judged - d(g(torch.randn(96, 4)).detach()))).mean() + 0.1 * slope
    if step % 10 == 0:  # FAULT
        d_opt.zero_grad()  # FAULT
        d_loss.backward()  # FAULT
        d_opt.step()  # FAULT
    # TWIN: d_opt.zero_grad()
    # TWIN: d_loss.backward()
    # TWIN: d_opt.step()

    g_loss = softplus(-(d(g(torch.randn(96, 4))) - d(real(96)))).mean()
    g_opt.zero_grad()
    g_loss.backward()
    g_opt.step()
    if step % 150 == 0:
        print(f"step {step} D {d_loss.item():.4f} G {g_loss.item():.4f}")

with torch.no_grad():
    made = g(torch.randn(4000, 4))
sector = ((torch.atan2(made[:, 1], made[:, 0]) / (2 * math.pi) + 0.5) * 12).long().clamp(max=11)
near = (made.norm(dim=1) - 1.2).abs() < 0.35
shares = torch.bincount(sector[near], minlength=12) / 4000
print(f"score: {torch.minimum(shares, torch.tensor(1 / 12)).sum().item():.4f}")
