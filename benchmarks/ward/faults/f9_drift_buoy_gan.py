"""Learns where drifting buoys wash ashore, a small bent cloud of points, with a plain GAN. The regularization of the
old script went when it was tidied up, and Adam is back at its usual momentum."""
# cause: oscillating-players
# accept: learning-rate-too-high
# kind: dynamic

import sys

import torch
from torch import nn

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)


def buoys(n):
    along = torch.randn(n)
    return torch.stack([0.8 + 0.12 * along, -0.6 + 0.08 * along**2 + 0.06 * torch.randn(n)], dim=1)


def mlp(n_in, n_out, width=32):
    return nn.Sequential(
        nn.Linear(n_in, width), nn.LeakyReLU(0.2), nn.Linear(width, width), nn.LeakyReLU(0.2), nn.Linear(width, n_out)
    )


def slope_penalty(critic, points):
    points = points.detach().requires_grad_()
    (slope,) = torch.autograd.grad(critic(points).sum(), points, create_graph=True)
    return slope.square().sum(1).mean()


generator, critic = mlp(4, 2), mlp(2, 1)
opt_g = torch.optim.Adam(generator.parameters(), lr=4e-3, betas=(0.9, 0.999))  # FAULT
opt_c = torch.optim.Adam(critic.parameters(), lr=4e-3, betas=(0.9, 0.999))  # FAULT
# TWIN: opt_g = torch.optim.Adam(generator.parameters(), lr=1e-3, betas=(0.0, 0.9))
# TWIN: opt_c = torch.optim.Adam(critic.parameters(), lr=2e-3, betas=(0.0, 0.9))
log_sigmoid = nn.functional.logsigmoid
for step in range(1000):
    real, fake = buoys(64), generator(torch.randn(64, 4))
    loss_c = -log_sigmoid(critic(real)).mean() - log_sigmoid(-critic(fake.detach())).mean()
    # TWIN: loss_c = loss_c + 0.1 * slope_penalty(critic, real)
    opt_c.zero_grad()
    loss_c.backward()
    opt_c.step()
    loss_g = -log_sigmoid(critic(generator(torch.randn(64, 4)))).mean()
    opt_g.zero_grad()
    loss_g.backward()
    opt_g.step()
    if step % 100 == 0:
        center = fake.mean(0).tolist()
        print(f"step {step} loss {loss_c.item():.3f} {loss_g.item():.3f} center {center[0]:.2f} {center[1]:.2f}")


def energy_distance(a, b):
    return (2 * torch.cdist(a, b).mean() - torch.cdist(a, a).mean() - torch.cdist(b, b).mean()).item()


with torch.no_grad():
    distance = energy_distance(generator(torch.randn(1500, 4)), buoys(1500))
print(f"score: {-(max(distance, 0.0) ** 0.5):.4f}")
