"""Physics-informed network for an inverse problem: finds an oscillator's curve and stiffness from a few observed points.

After https://github.com/lululxvi/deepxde/issues/2100
"""
# cause: broadcast-loss
# kind: dynamic

import io
import sys

import numpy as np
import torch
import torch.nn as nn


def measurement_file(rng, n=40):
    """The text of the table that came from the lab: time and displacement, with a little noise."""
    t = np.sort(rng.uniform(0, 1, n))
    u = np.sin(2 * np.pi * t) + 0.01 * rng.normal(size=n)
    return "\n".join(f"{a:.5f}, {b:.5f}" for a, b in zip(t, u))


class FNN(nn.Module):
    def __init__(self, layer_sizes):
        super().__init__()
        self.linears = nn.ModuleList(nn.Linear(i, o) for i, o in zip(layer_sizes, layer_sizes[1:]))
        for linear in self.linears:
            nn.init.xavier_normal_(linear.weight)
            nn.init.zeros_(linear.bias)

    def forward(self, x):
        for linear in self.linears[:-1]:
            x = torch.tanh(linear(x))
        return self.linears[-1](x)


class PointSetBC:
    """Compares the output (one component) with values measured at given points."""

    def __init__(self, points, values, component=0):
        self.points = torch.tensor(points, dtype=torch.float32).reshape(-1, 1)
        self.values = torch.tensor(values, dtype=torch.float32)  # FAULT
        # TWIN: self.values = torch.tensor(values, dtype=torch.float32).reshape(-1, 1)
        self.component = component

    def error(self, outputs):
        return outputs[:, self.component : self.component + 1] - self.values


def ode_residual(t, u, stiffness):
    du = torch.autograd.grad(u.sum(), t, create_graph=True)[0]
    d2u = torch.autograd.grad(du.sum(), t, create_graph=True)[0]
    return d2u / (4 * np.pi**2) + stiffness * u


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)

    points, values = np.loadtxt(io.StringIO(measurement_file(rng)), delimiter=",", unpack=True)
    observe = PointSetBC(points, values)
    t_domain = torch.linspace(0, 1, 60).reshape(-1, 1).requires_grad_()

    net = FNN([1, 24, 24, 1])
    stiffness = nn.Parameter(torch.tensor(0.3))
    optimizer = torch.optim.Adam(list(net.parameters()) + [stiffness], lr=5e-3)

    print("Step     PDE loss   data loss  stiffness")
    for step in range(1300):
        optimizer.zero_grad()
        loss_pde = ode_residual(t_domain, net(t_domain), stiffness).pow(2).mean()
        loss_data = observe.error(net(observe.points)).pow(2).mean()
        loss = loss_pde + loss_data
        loss.backward()
        optimizer.step()
        if step % 100 == 0:
            print(f"{step:5d}    {loss_pde.item():.2e}   {loss_data.item():.2e}   {stiffness.item():.3f}")

    t = np.linspace(0, 1, 200)
    truth = np.sin(2 * np.pi * t)
    with torch.no_grad():
        u = net(torch.tensor(t, dtype=torch.float32).reshape(-1, 1)).numpy().ravel()
    r2 = 1 - ((u - truth) ** 2).mean() / truth.var()
    print(f"stiffness {stiffness.item():.3f} (true 1.000)")
    print(f"score: {r2:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
