"""Sobolev training: a network learns a two-dimensional surface from its heights and its slopes, so the loss holds the
gradient of the output with respect to the input (create_graph). Score: R2 of the heights on new points.
"""
# cause: missing-nonlinearity
# kind: dynamic

import sys

import torch
import torch.nn as nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)


def surface(p):
    return torch.sin(2 * p[:, 0]) * torch.cos(1.5 * p[:, 1]) + 0.3 * p[:, 0] * p[:, 1]


def with_slopes(f, points, create_graph=False):
    points = points.clone().requires_grad_()
    heights = f(points)
    (slopes,) = torch.autograd.grad(heights.sum(), points, create_graph=create_graph)
    return heights, slopes


train_x = 4 * torch.rand(400, 2) - 2
test_x = 4 * torch.rand(1000, 2) - 2
train_h, train_s = with_slopes(surface, train_x)
train_h = train_h.detach() + 0.02 * torch.randn(400)
test_h = surface(test_x)

net = nn.Sequential(nn.Linear(2, 48), nn.Linear(48, 48), nn.Linear(48, 1), nn.Flatten(0))  # FAULT
# TWIN: net = nn.Sequential(nn.Linear(2, 48), nn.Tanh(), nn.Linear(48, 48), nn.Tanh(), nn.Linear(48, 1), nn.Flatten(0))
optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[500, 750], gamma=0.3)

for it in range(900):
    rows = torch.randint(400, (100,))
    heights, slopes = with_slopes(net, train_x[rows], create_graph=True)
    height_loss = (heights - train_h[rows]).square().mean()
    slope_loss = (slopes - train_s[rows]).square().sum(1).mean()
    loss = height_loss + 0.1 * slope_loss
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    scheduler.step()
    if it % 100 == 99:
        with torch.no_grad():
            test_mse = (net(test_x) - test_h).square().mean().item()
        print(f"{it + 1:4d}: heights {height_loss.item():.5f} slopes {slope_loss.item():.5f} test {test_mse:.5f}")

print(f"score: {1 - test_mse / test_h.var().item():.4f}")
