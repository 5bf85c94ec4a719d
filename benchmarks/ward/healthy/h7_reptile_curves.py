"""Reptile: an initialisation that fits a new S-shaped curve from ten points in a few SGD steps. The outer loop moves
the weights towards the weights found on each task; the score is R2 on the other points of unseen curves.
"""

import copy
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
INNER_LR, INNER_STEPS, META_STEPS = 0.05, 6, 500


class Curve:
    """y = a * tanh(3 (x - c)) + d, a different a, c, d for each task."""

    def __init__(self):
        self.a = 0.5 + torch.rand(1)
        self.c = torch.rand(1) - 0.5
        self.d = torch.rand(1) - 0.5

    def points(self, n):
        x = 4 * torch.rand(n, 1) - 2
        return x, self.a * torch.tanh(3 * (x - self.c)) + self.d


def adapt(net, x, y, steps):
    inner = torch.optim.SGD(net.parameters(), lr=INNER_LR)
    for _ in range(steps):
        loss = F.mse_loss(net(x), y)
        inner.zero_grad()
        loss.backward()
        inner.step()
    return loss.item()


def evaluate(meta, tasks):
    scores = []
    for task, x, y, x_query, y_query in tasks:
        net = copy.deepcopy(meta)
        adapt(net, x, y, 12)
        with torch.no_grad():
            scores.append(1 - F.mse_loss(net(x_query), y_query) / y_query.var())
    return torch.stack(scores).mean().item()


meta = nn.Sequential(nn.Linear(1, 40), nn.Tanh(), nn.Linear(40, 40), nn.Tanh(), nn.Linear(40, 1))
test_tasks = []
for _ in range(20):
    task = Curve()
    test_tasks.append((task, *task.points(10), *task.points(100)))

for step in range(META_STEPS):
    worker = copy.deepcopy(meta)
    last = adapt(worker, *Curve().points(10), INNER_STEPS)
    outer_lr = 0.5 * (1 - step / META_STEPS)
    with torch.no_grad():
        for slow, fast in zip(meta.parameters(), worker.parameters(), strict=True):
            slow.lerp_(fast, outer_lr)
    if (step + 1) % 100 == 0:
        r2 = evaluate(meta, test_tasks)
        print(f"task {step + 1}: loss after inner steps {last:.4f}, test R2 after adaptation {r2:.4f}")

print(f"score: {r2:.4f}")
