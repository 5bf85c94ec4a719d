"""Learns where the hand of a two-joint arm is from the angles of its joints (random poses, a little sensor noise);
mini-batches drawn at random from a fixed set of poses, loss printed every 100 steps.
"""

import math
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)


def hand_position(q):
    first, second = q[:, 0], q[:, 0] + q[:, 1]
    x = 1.0 * torch.cos(first) + 0.7 * torch.cos(second)
    y = 1.0 * torch.sin(first) + 0.7 * torch.sin(second)
    return torch.stack([x, y], dim=1)


angles = (torch.rand(3000, 2) * 2 - 1) * math.pi
angles[:, 1] *= 0.8
position = hand_position(angles)
noisy = position + 0.02 * torch.randn_like(position)
inputs = angles / (math.pi / math.sqrt(3))  # unit variance of a uniform angle
train_x, train_y = inputs[:2400], noisy[:2400]
val_x, val_y = inputs[2400:], position[2400:]

arm = nn.Sequential(nn.Linear(2, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 2))
optim = torch.optim.Adam(arm.parameters(), lr=4e-3)
sched = torch.optim.lr_scheduler.CosineAnnealingLR(optim, T_max=1200)

for step in range(1, 1201):
    pick = torch.randint(0, len(train_x), (64,))
    loss = F.mse_loss(arm(train_x[pick]), train_y[pick])
    optim.zero_grad()
    loss.backward()
    optim.step()
    sched.step()
    if step % 100 == 0:
        with torch.no_grad():
            val = F.mse_loss(arm(val_x), val_y)
        print(f"step {step:4d}: batch mse {loss.item():.5f}, validation mse {val.item():.5f}")

with torch.no_grad():
    miss = (arm(val_x) - val_y).norm(dim=1)
    r2 = 1 - F.mse_loss(arm(val_x), val_y) / val_y.var(dim=0, unbiased=False).mean()
print(f"median distance to the true position: {miss.median():.4f}")
print(f"score: {r2:.4f}")
