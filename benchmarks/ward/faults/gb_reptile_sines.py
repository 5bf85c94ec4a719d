"""Reptile: learns a start from which a sine of any phase and height is learned from ten points in a few steps. Each
task has a copy of the network and an optimizer of its own."""
# cause: learning-rate-too-high
# kind: dynamic

import copy
import math
import sys

import torch
from torch import nn


def task():
    height, phase = 0.5 + torch.rand(1), math.pi * torch.rand(1)

    def draw(n):
        x = torch.rand(n, 1) * 4 - 2
        return x, height * torch.sin(2 * x + phase)

    return draw


# TWIN: def adapt(net, draw, steps, n, lr=0.03):
def adapt(net, draw, steps, n, lr=0.3):  # FAULT
    copy_of = copy.deepcopy(net)
    optimizer = torch.optim.SGD(copy_of.parameters(), lr=lr)
    x, y = draw(n)
    for _ in range(steps):
        loss = nn.functional.mse_loss(copy_of(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return copy_of, loss.item()


def evaluate(net, tasks=60):
    errors, plain = 0.0, 0.0
    for _ in range(tasks):
        draw = task()
        adapted, _ = adapt(net, draw, 16, 10)
        x, y = draw(100)
        with torch.no_grad():
            errors += (adapted(x) - y).pow(2).mean().item()
            plain += y.pow(2).mean().item()
    return 1 - errors / plain


torch.set_num_threads(1)
torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
net = nn.Sequential(nn.Linear(1, 48), nn.Tanh(), nn.Linear(48, 48), nn.Tanh(), nn.Linear(48, 1))
ROUNDS = 1200
for number in range(ROUNDS):
    adapted, loss = adapt(net, task(), 6, 20)
    pace = 0.5 * (1 - number / ROUNDS)
    with torch.no_grad():
        for weight, there in zip(net.parameters(), adapted.parameters(), strict=True):
            weight += pace * (there - weight)
    if number % 200 == 199:
        print(f"round {number + 1} loss {loss:.4f}")
print(f"score: {evaluate(net):.4f}")
