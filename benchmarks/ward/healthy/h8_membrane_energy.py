"""Deep Ritz method: the deflection of a loaded square membrane minimises its energy, so the energy is the loss.

Energy = mean of |grad u|^2 / 2 - load * u over random points (it becomes negative); the edge is in the ansatz.
Score: minus the relative L2 error against the known solution sin(pi x) sin(pi y) + sin(2 pi x) sin(pi y) / 2.
"""

import argparse
import math

import torch
from torch import nn

torch.set_num_threads(1)

PI = math.pi


def exact(p):
    x, y = p[:, :1], p[:, 1:]
    return torch.sin(PI * x) * torch.sin(PI * y) + 0.5 * torch.sin(2 * PI * x) * torch.sin(PI * y)


def load(p):
    x, y = p[:, :1], p[:, 1:]
    first = 2 * PI**2 * torch.sin(PI * x) * torch.sin(PI * y)
    return first + 2.5 * PI**2 * torch.sin(2 * PI * x) * torch.sin(PI * y)


class Membrane(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.first = nn.Linear(2, width)
        self.second = nn.Linear(width, width)
        self.last = nn.Linear(width, 1)

    def forward(self, p):
        edge = (4 * p * (1 - p)).prod(dim=1, keepdim=True)
        h = torch.tanh(self.first(2 * p - 1))
        h = h + torch.tanh(self.second(h))
        return edge * self.last(h)


def stratified_points(k):
    corner = torch.cartesian_prod(torch.arange(k), torch.arange(k)).float()
    return (corner + torch.rand(k * k, 2)) / k


def energy(model, p):
    p = p.requires_grad_(True)
    u = model(p)
    (slope,) = torch.autograd.grad(u.sum(), p, create_graph=True)
    return (slope.square().sum(dim=1, keepdim=True) / 2 - load(p) * u).mean()


def relative_error(model):
    with torch.no_grad():
        grid = torch.cartesian_prod(torch.linspace(0, 1, 41), torch.linspace(0, 1, 41))
        return ((model(grid) - exact(grid)).norm() / exact(grid).norm()).item()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", nargs="?", type=int, default=0)
    parser.add_argument("--steps", type=int, default=900)
    options = parser.parse_args()
    torch.manual_seed(options.seed)

    model = Membrane(40)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, options.steps)
    print(f"relative error at the start {relative_error(model):.4f}")
    for step in range(options.steps):
        optimizer.zero_grad()
        value = energy(model, stratified_points(18))
        value.backward()
        optimizer.step()
        scheduler.step()
        if step % 100 == 99:
            print(f"step {step + 1}: energy {value.item():.4f} relative error {relative_error(model):.4f}")
    print(f"score: {-relative_error(model):.5f}")


if __name__ == "__main__":
    main()
