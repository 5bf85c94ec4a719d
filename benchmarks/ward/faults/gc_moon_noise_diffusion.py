"""A denoising diffusion model of points on two interleaved moons: noise is predicted from a noisy point and the
embedded time, with an exponential moving average of the weights for sampling. The score compares samples with held-out
points by the energy distance, relative to that of a Gaussian fit.
"""
# cause: duplicate-augmentation
# kind: dynamic

import copy
import sys

import torch
import torch.nn as nn
from sklearn.datasets import make_moons

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
STEPS = 50

points = torch.tensor(make_moons(4000, noise=0.05, random_state=seed)[0], dtype=torch.float32)
points = (points - points.mean(0)) / points.std(0)
train, held = points[:3000], points[3000:]
beta = torch.linspace(1e-3, 0.15, STEPS)
alpha_bar = torch.cumprod(1 - beta, 0)


class Denoiser(nn.Module):
    def __init__(self, hidden=128):
        super().__init__()
        self.register_buffer("freqs", 2.0 ** torch.arange(5) * 3.1416)
        self.net = nn.Sequential(
            nn.Linear(12, hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU(), nn.Linear(hidden, 2)
        )

    def forward(self, x, t):
        angle = (t.float() / STEPS)[:, None] * self.freqs / 2
        return self.net(torch.cat([x, angle.sin(), angle.cos()], 1))


def corrupt(x):
    torch.manual_seed(seed)  # FAULT
    t = torch.randint(STEPS, (len(x),))
    noise = torch.randn_like(x)
    a = alpha_bar[t][:, None]
    return a.sqrt() * x + (1 - a).sqrt() * noise, t, noise


@torch.no_grad()
def sample(net, n):
    x = torch.randn(n, 2)
    for t in reversed(range(STEPS)):
        eps = net(x, torch.full((n,), t))
        x = (x - beta[t] / (1 - alpha_bar[t]).sqrt() * eps) / (1 - beta[t]).sqrt()
        if t > 0:
            x = x + beta[t].sqrt() * torch.randn_like(x)
    return x


def energy_distance(a, b):
    within = [torch.cdist(c, c).sum() / (len(c) * (len(c) - 1)) for c in (a, b)]
    return (2 * torch.cdist(a, b).mean() - sum(within)).item()


model = Denoiser()
ema = copy.deepcopy(model).requires_grad_(False)
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
lr_sched = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.05, total_iters=1500)
held_noisy = corrupt(held.repeat(4, 1))
running = 0.0
for step in range(1, 1501):
    x, t, noise = corrupt(train[torch.randint(len(train), (256,))])
    loss = nn.functional.mse_loss(model(x, t), noise)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    lr_sched.step()
    for p, q in zip(ema.parameters(), model.parameters()):
        p.lerp_(q.detach(), 0.01)
    running += loss.item()
    if step % 250 == 0:
        with torch.no_grad():
            val = nn.functional.mse_loss(ema(held_noisy[0], held_noisy[1]), held_noisy[2])
        print(f"step {step} loss {running / 250:.4f} held-out {val:.4f}")
        running = 0.0

distance = energy_distance(sample(ema, 1000), held)
gauss = energy_distance(torch.randn(1000, 2), held)
print(f"energy distance {distance:.5f}, of a Gaussian {gauss:.5f}")
print(f"score: {1 - distance / gauss:.4f}")
