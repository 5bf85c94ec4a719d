"""Hinge-loss GAN on the two-moons data; score is minus the energy distance between samples and held-out points.

Fault: the discriminator's learning rate is a hundred times too small, it never keeps up with the generator.
"""
# cause: generator-dominates
# accept: learning-rate-too-low
# kind: dynamic

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import make_moons
from torch.utils.data import DataLoader

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

points = torch.tensor(make_moons(5000, noise=0.08, random_state=seed)[0], dtype=torch.float32)
points = (points - points[:4000].mean(dim=0)) / points[:4000].std(dim=0)
held_out = points[4000:]
loader = DataLoader(points[:4000], batch_size=100, shuffle=True, drop_last=True)


def mlp(n_in, n_out):
    return nn.Sequential(
        nn.Linear(n_in, 64), nn.LeakyReLU(0.1), nn.Linear(64, 64), nn.LeakyReLU(0.1), nn.Linear(64, n_out)
    )


def energy(a, b):
    return 2 * torch.cdist(a, b).mean() - torch.cdist(a, a).mean() - torch.cdist(b, b).mean()


generator, critic = mlp(4, 2), mlp(2, 1)
g_optimizer = torch.optim.RMSprop(generator.parameters(), lr=5e-4)
d_optimizer = torch.optim.RMSprop(critic.parameters(), lr=1e-5)  # FAULT
# TWIN: d_optimizer = torch.optim.RMSprop(critic.parameters(), lr=1e-3)

for epoch in range(30):
    d_total, g_total = 0.0, 0.0
    for real in loader:
        with torch.no_grad():
            fake = generator(torch.randn(len(real), 4))
        d_loss = F.relu(1 - critic(real)).mean() + F.relu(1 + critic(fake)).mean()
        d_optimizer.zero_grad()
        d_loss.backward()
        d_optimizer.step()

        g_loss = -critic(generator(torch.randn(len(real), 4))).mean()
        g_optimizer.zero_grad()
        g_loss.backward()
        g_optimizer.step()
        d_total += d_loss.item() / len(loader)
        g_total += g_loss.item() / len(loader)
    if epoch % 3 == 2:
        print(f"epoch {epoch + 1}: d_loss {d_total:.4f} g_loss {g_total:.4f}")

with torch.no_grad():
    samples = generator(torch.randn(1000, 4))
    print(f"score: {-energy(samples, held_out).item():.4f}")
