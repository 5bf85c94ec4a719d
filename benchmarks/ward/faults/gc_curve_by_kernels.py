"""A generator without a discriminator: maximum mean discrepancy (a sum of Gaussian kernels)
between generated and real points of a two-armed curve, fresh real points at every step. Score: minus the
energy distance to new real points, times ten.
"""
# cause: mode-collapse
# kind: dynamic

import sys

import torch
from torch import nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)


def real(n):
    t = torch.rand(n, 1) * 2.5 + 0.5
    side = torch.randint(0, 2, (n, 1)) * 2.0 - 1
    points = side * torch.cat([t * torch.cos(2 * t), t * torch.sin(2 * t)], dim=1)
    return (points + 0.08 * torch.randn(n, 2)) / 1.4


def kernel(a, b):
    d2 = torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist").pow(2)
    return sum(torch.exp(-d2 / (2 * s * s)) for s in (0.1, 0.3, 1.0))


def mmd(x, y):
    n = len(x)
    off = 1 - torch.eye(n)
    within = 2 * (kernel(y, y) * off).sum()  # FAULT
    # TWIN: within = (kernel(x, x) * off).sum() + (kernel(y, y) * off).sum()
    return within / (n * (n - 1)) - 2 * kernel(x, y).mean()


def energy_distance(x, y):
    return (2 * torch.cdist(x, y).mean() - torch.cdist(x, x).mean() - torch.cdist(y, y).mean()).item()


generator = nn.Sequential(nn.Linear(3, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))
optimizer = torch.optim.Adam(generator.parameters(), lr=2e-3, betas=(0.5, 0.9))
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 600)
smooth = 0.0
for step in range(1, 601):
    fake = generator(torch.randn(128, 3))
    loss = mmd(fake, real(128))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    scheduler.step()
    smooth = loss.item() if step == 1 else 0.98 * smooth + 0.02 * loss.item()
    if step % 75 == 0:
        with torch.no_grad():
            distance = energy_distance(generator(torch.randn(800, 3)), real(800))
        print(f"step {step} mmd (smoothed) {smooth:+.5f} energy distance {distance:.5f}")

print(f"score: {-10 * distance:.4f}")
