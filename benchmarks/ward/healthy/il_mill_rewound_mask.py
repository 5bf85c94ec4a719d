"""Wear of mill stones by a network that is trained, thinned to a fifth of its weights, put back to its first weights
under the mask, and trained again: three rounds of the lottery, with a fresh optimizer each."""

import copy
import sys

import numpy as np
import torch
from torch import nn
from torch.nn.utils import parameters_to_vector

ROUNDS, KEEP, STEPS = 3, 0.58, 500


def stones(count, rng, mix):
    x = rng.normal(size=(count, 12))
    y = np.sin(x @ mix[0]) + 0.5 * np.abs(x @ mix[1]) + 0.1 * rng.normal(size=count)
    return torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)


def thin(net, masks):
    with torch.no_grad():
        for layer, mask in masks.items():
            net[layer].weight.mul_(mask)


def train(net, masks, x, y):
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    thin(net, masks)
    for step in range(STEPS):
        rows = torch.randint(0, len(x), (64,))
        loss = nn.functional.mse_loss(net(x[rows]).squeeze(1), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        thin(net, masks)
    return loss.item()


seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
rng = np.random.default_rng(seed)
mix = np.zeros((2, 12))
mix[0, :4], mix[1, 4:8] = 0.5 * rng.choice([-1, 1], 4), 0.5 * rng.choice([-1, 1], 4)
x, y = stones(4000, rng, mix)
test_x, test_y = stones(1000, rng, mix)
mean, std = y.mean(), y.std()
y, test_y = (y - mean) / std, (test_y - mean) / std

net = nn.Sequential(nn.Linear(12, 100), nn.ReLU(), nn.Linear(100, 50), nn.ReLU(), nn.Linear(50, 1))
first = copy.deepcopy(net.state_dict())
masks = {0: torch.ones(100, 12), 2: torch.ones(50, 100)}
for number in range(ROUNDS + 1):
    net.load_state_dict(first)
    loss = train(net, masks, x, y)
    with torch.no_grad():
        r2 = 1 - ((net(test_x).squeeze(1) - test_y).pow(2).mean() / test_y.var()).item()
    alive = sum(mask.sum().item() for mask in masks.values())
    moved = (parameters_to_vector(net.parameters())).norm().item()
    print(f"round {number}: {alive:.0f} weights, loss {loss:.4f}, R2 {r2:.4f}, norm {moved:.2f}")
    if number < ROUNDS:
        for layer, mask in masks.items():
            size = (net[layer].weight.detach() * mask).abs()
            limit = size[mask > 0].quantile(1 - KEEP)
            masks[layer] = (size > limit).float()
print(f"score: {r2:.4f}")
