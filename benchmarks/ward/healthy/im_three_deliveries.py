"""Soil samples arrive in three deliveries; before each refit the old weights are shrunk and shaken.

Shrink and perturb (Ash and Adams 2020): a warm start that generalizes as well as a fresh one. The loss jumps up at
every delivery, as it should.
"""

import sys

import torch
from torch import nn

SHRINK, SHAKE = 0.5, 0.3

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)


def samples(count):
    x = torch.randn(count, 10)
    acid = torch.sin(1.2 * x[:, 0]) + 0.6 * x[:, 1] * x[:, 2] + 0.5 * x[:, 3]
    clay = x[:, 4].abs() - 0.8 + 0.5 * x[:, 5]
    return x, 2 * (acid > 0).long() + (clay > 0).long()


def build():
    return nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 4))


def refresh(model):
    fresh = build()
    with torch.no_grad():
        for old, new in zip(model.parameters(), fresh.parameters(), strict=True):
            old.mul_(SHRINK).add_(SHAKE * new)


x, y = samples(6000)
test_x, test_y = samples(1000)
model = build()
for delivery, have in enumerate((1000, 3000, 6000)):
    if delivery:
        refresh(model)
    epochs = (12, 10, 12)[delivery]
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.05, epochs)
    for _ in range(epochs):
        model.train()
        total = 0.0
        for rows in torch.randperm(have).split(64):
            loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows) / have
        schedule.step()
    model.eval()
    with torch.no_grad():
        accuracy = (model(test_x).argmax(dim=1) == test_y).float().mean().item()
    print(f"delivery {delivery + 1}: {have} samples, loss {total:.4f}, test accuracy {accuracy:.4f}")
print(f"score: {accuracy:.4f}")
