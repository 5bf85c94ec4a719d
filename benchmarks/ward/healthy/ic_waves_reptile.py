"""Reptile on sine waves: meta-learn a start from which a few steps of SGD on ten points fit any new wave.

Every task trains a copy of the network with its own short-lived optimizer; the shared weights are then moved a little
towards the copy's, so they themselves never see a backward pass.
"""

import copy
import math
import sys

import torch
import torch.nn as nn

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
INNER_STEPS, INNER_LR, META_STEPS = 8, 0.02, 1800


class Wave:
    def __init__(self):
        self.amplitude = 0.5 + 1.5 * torch.rand(1)
        self.phase = math.pi * torch.rand(1)

    def points(self, n):
        x = 10 * torch.rand(n, 1) - 5
        return x / 3, self.amplitude * torch.sin(x + self.phase)


def adapt(net, x, y, steps, batch=10):
    """Plain SGD on minibatches of one task; the last loss."""
    optimizer = torch.optim.SGD(net.parameters(), lr=INNER_LR)
    for _ in range(steps):
        rows = torch.randperm(len(x))[:batch]
        loss = nn.functional.mse_loss(net(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


def evaluate(meta, tasks):
    """Share of the new waves' variance explained after 32 steps on ten points of each."""
    error = variance = 0.0
    for wave in tasks:
        net = copy.deepcopy(meta)
        adapt(net, *wave.points(10), steps=32)
        x, y = wave.points(100)
        with torch.no_grad():
            error += (net(x) - y).pow(2).mean().item()
            variance += y.var(unbiased=False).item()
    return 1 - error / variance


meta = nn.Sequential(nn.Linear(1, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 1))
held_out = [Wave() for _ in range(40)]
running = None
for step in range(META_STEPS):
    net = copy.deepcopy(meta)
    loss = adapt(net, *Wave().points(50), steps=INNER_STEPS)
    running = loss if running is None else 0.98 * running + 0.02 * loss
    rate = 1.0 * (1 - step / META_STEPS)
    with torch.no_grad():
        for shared, adapted in zip(meta.parameters(), net.parameters()):
            shared += rate * 0.5 * (adapted - shared)
    if step % 300 == 299:
        print(f"meta step {step + 1}: inner loss {running:.4f}, new waves R2 {evaluate(meta, held_out[:10]):.3f}")
print(f"score: {evaluate(meta, held_out):.4f}")
