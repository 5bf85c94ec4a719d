"""A physics-informed network finds the unknown diffusion coefficient from a few noisy measurements of the solution.

After the inverse problem "diffusion_1d_inverse" of DeepXDE, https://github.com/lululxvi/deepxde
"""

import math
import sys

import torch
import torch.nn as nn

TRUE_C = 0.4


def solution(x, t):
    """u_t = C u_xx on [-1, 1] with u = 0 at both ends; two decaying modes."""
    first = torch.exp(-TRUE_C * math.pi**2 / 4 * t) * torch.cos(math.pi * x / 2)
    second = torch.exp(-TRUE_C * math.pi**2 * t) * torch.sin(math.pi * x)
    return first + 0.5 * second


class FNN(nn.Module):
    def __init__(self, layers):
        super().__init__()
        self.linears = nn.ModuleList([nn.Linear(a, b) for a, b in zip(layers[:-1], layers[1:])])
        for linear in self.linears:
            nn.init.xavier_normal_(linear.weight)
            nn.init.zeros_(linear.bias)

    def forward(self, x, t):
        h = torch.cat([x, 2 * t - 1], dim=1)  # both coordinates in [-1, 1]
        for linear in self.linears[:-1]:
            h = torch.tanh(linear(h))
        return self.linears[-1](h)


def pde_residual(net, C, x, t):
    x, t = x.requires_grad_(True), t.requires_grad_(True)
    u = net(x, t)
    u_x, u_t = torch.autograd.grad(u.sum(), (x, t), create_graph=True)
    u_xx = torch.autograd.grad(u_x.sum(), x, create_graph=True)[0]
    return u_t - C * u_xx


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    net = FNN([2, 24, 24, 24, 1])
    C = nn.Parameter(torch.tensor(1.0))  # the first guess is far from the truth

    # boundary, initial state, and measurements at random places
    t_bc = torch.rand(60, 1)
    x_bc = torch.where(torch.rand(60, 1) < 0.5, -1.0, 1.0)
    x_ic = torch.linspace(-1, 1, 40)[:, None]
    t_ic = torch.zeros_like(x_ic)
    x_obs, t_obs = 2 * torch.rand(100, 1) - 1, torch.rand(100, 1)
    u_obs = solution(x_obs, t_obs) + 0.01 * torch.randn(100, 1)

    iterations = 1200
    optimizer = torch.optim.Adam([{"params": net.parameters(), "lr": 1e-2}, {"params": [C], "lr": 2e-2}])
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.1 ** (1 / iterations))
    mse = nn.MSELoss()
    for it in range(1, iterations + 1):
        x, t = 2 * torch.rand(128, 1) - 1, torch.rand(128, 1)  # fresh collocation points
        residual = pde_residual(net, C, x, t).pow(2).mean()
        boundary = net(x_bc, t_bc).pow(2).mean()
        initial = mse(net(x_ic, t_ic), solution(x_ic, t_ic))
        data = mse(net(x_obs, t_obs), u_obs)
        loss = residual + 10 * (boundary + initial + data)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        if it % 150 == 0:
            print(
                f"step {it:5d}  pde {residual.item():.2e}  bc {boundary.item():.2e}  ic {initial.item():.2e}  "
                f"data {data.item():.2e}  C = {C.item():.4f}"
            )

    grid_x, grid_t = torch.meshgrid(torch.linspace(-1, 1, 50), torch.linspace(0, 1, 50), indexing="ij")
    x, t = grid_x.reshape(-1, 1), grid_t.reshape(-1, 1)
    with torch.no_grad():
        error = torch.norm(net(x, t) - solution(x, t)) / torch.norm(solution(x, t))
    print(f"L2 relative error of the solution {error.item():.4f}; C = {C.item():.4f}, true value {TRUE_C}")
    print(f"score: {1 - abs(C.item() - TRUE_C) / TRUE_C:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
