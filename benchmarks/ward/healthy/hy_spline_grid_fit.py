"""Fits a smooth response surface by bilinear interpolation of a learnable grid of heights, with a smoothness penalty on
neighbours. No layers; the parameter is one tensor that starts at zero."""

import sys

import torch

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
SIDE = 13


def surface(p):
    return torch.sin(3 * p[:, 0]) * torch.cos(2 * p[:, 1]) + 0.5 * torch.exp(-8 * (p - 0.3).square().sum(1))


def interpolate(grid, p):
    at = (p + 1) / 2 * (SIDE - 1)
    low = at.floor().long().clamp(max=SIDE - 2)
    fx, fy = (at - low).unbind(1)
    i, j = low.unbind(1)
    top = grid[i, j] * (1 - fy) + grid[i, j + 1] * fy
    bottom = grid[i + 1, j] * (1 - fy) + grid[i + 1, j + 1] * fy
    return top * (1 - fx) + bottom * fx


def roughness(grid):
    return (grid[2:] - 2 * grid[1:-1] + grid[:-2]).square().mean() + (
        grid[:, 2:] - 2 * grid[:, 1:-1] + grid[:, :-2]
    ).square().mean()


points = 2 * torch.rand(3000, 2) - 1
values = surface(points) + 0.1 * torch.randn(3000)
test_points = 2 * torch.rand(1000, 2) - 1
test_values = surface(test_points)
grid = torch.zeros(SIDE, SIDE, requires_grad=True)
optimizer = torch.optim.Adam([grid], lr=0.03)
for step in range(1, 801):
    idx = torch.randint(3000, (256,))
    loss = (interpolate(grid, points[idx]) - values[idx]).square().mean() + 0.02 * roughness(grid)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 100 == 0:
        print(f"step {step} loss {loss.item():.5f}")
with torch.no_grad():
    error = (interpolate(grid, test_points) - test_values).square().mean().item()
print(f"score: {1 - error / test_values.var().item():.4f}")
