"""Heat along a rod, u_t = 0.1 u_xx, by a physics-informed net: a class that keeps its collocation points, which require
gradients, in the manner of the first such programs. Score: R2 against the exact solution.
"""

import math
import sys

import torch
import torch.nn as nn

torch.set_num_threads(1)


class HeatRod(nn.Module):
    def __init__(self, n=200):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(2, 24), nn.Tanh(), nn.Linear(24, 24), nn.Tanh(), nn.Linear(24, 1))
        self.x_f = torch.rand(n, 1).requires_grad_()
        self.t_f = torch.rand(n, 1).requires_grad_()
        self.points = torch.rand(n, 2, requires_grad=True)
        x0 = torch.linspace(0, 1, 50).view(-1, 1)
        self.start = torch.cat([x0, torch.zeros_like(x0)], 1)
        self.u0 = torch.sin(math.pi * x0)
        self.ends = torch.cat([torch.tensor([0.0, 1.0]).repeat(25).view(-1, 1), torch.rand(50, 1)], 1)

    def forward(self, x, t):
        return self.net(torch.cat([x, t], 1))

    def residual(self):
        u = self(self.x_f, self.t_f)
        u_t = torch.autograd.grad(u.sum(), self.t_f, create_graph=True)[0]
        u_x = torch.autograd.grad(u.sum(), self.x_f, create_graph=True)[0]
        u_xx = torch.autograd.grad(u_x.sum(), self.x_f, create_graph=True)[0]
        return (u_t - 0.1 * u_xx).square().mean()

    def loss(self):
        return self.residual() + (self.net(self.start) - self.u0).square().mean() + self.net(self.ends).square().mean()


def main(seed):
    torch.manual_seed(seed)
    model = HeatRod()
    optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
    for step in range(1200):
        optimizer.zero_grad()
        loss = model.loss()
        loss.backward()
        optimizer.step()
        if step % 300 == 299:
            print(f"step {step}: {loss.item():.5f}")
    x, t = torch.rand(1000, 1), torch.rand(1000, 1)
    exact = torch.sin(math.pi * x) * torch.exp(-0.1 * math.pi**2 * t)
    with torch.no_grad():
        error = (model(x, t) - exact).square().mean()
    print(f"score: {1 - error.item() / exact.var().item():.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
