"""Tanh network with three layers and Xavier init (tanh gain) on two interleaved spirals, minibatch Adam; inputs are
the raw plane coordinates in [-1, 1].
"""

import math
import sys

import torch
from torch import nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
gen = torch.Generator().manual_seed(seed)
torch.manual_seed(seed)


def spirals(n):
    label = torch.randint(0, 2, (n,), generator=gen)
    t = torch.rand(n, generator=gen) * 0.9 + 0.1
    angle = t * 2.6 * math.pi + label * math.pi
    points = torch.stack([t * torch.cos(angle), t * torch.sin(angle)], dim=1)
    return points + 0.015 * torch.randn(n, 2, generator=gen), label


xtr, ytr = spirals(1500)
xte, yte = spirals(500)

net = nn.Sequential(nn.Linear(2, 48), nn.Tanh(), nn.Linear(48, 48), nn.Tanh(), nn.Linear(48, 2))
for layer in net:
    if isinstance(layer, nn.Linear):
        nn.init.xavier_uniform_(layer.weight, gain=nn.init.calculate_gain("tanh"))
        nn.init.zeros_(layer.bias)

loss_fn = nn.CrossEntropyLoss()
opt = torch.optim.Adam(net.parameters(), lr=0.01)
for step in range(1200):
    batch = torch.randint(0, len(xtr), (100,), generator=gen)
    loss = loss_fn(net(xtr[batch]), ytr[batch])
    opt.zero_grad(set_to_none=True)
    loss.backward()
    opt.step()
    if step % 100 == 0:
        print(step, round(loss.item(), 4))

with torch.no_grad():
    accuracy = (net(xte).argmax(1) == yte).double().mean().item()
print("test accuracy", accuracy)
print(f"score: {accuracy:.4f}")
