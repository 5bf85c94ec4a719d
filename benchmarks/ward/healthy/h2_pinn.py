"""Physics-informed net for u'' = -pi^2 sin(pi x) on [0, 1], u(0) = u(1) = 0; exact solution sin(pi x)."""

import math
import sys

import torch
import torch.nn as nn

torch.set_num_threads(1)
torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)


class PINN(nn.Module):
    def __init__(self, width=24):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(1, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 1)
        )

    def forward(self, x):
        return self.net(x)


def derivative(u, x):
    return torch.autograd.grad(u, x, grad_outputs=torch.ones_like(u), create_graph=True)[0]


def residual(model, x):
    u = model(x)
    u_x = derivative(u, x)
    u_xx = derivative(u_x, x)
    return u_xx + math.pi**2 * torch.sin(math.pi * x)


model = PINN()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=400, gamma=0.5)
boundary = torch.tensor([[0.0], [1.0]])

for it in range(1200):
    x = torch.rand(64, 1, requires_grad=True)
    loss_pde = residual(model, x).pow(2).mean()
    loss_bc = model(boundary).pow(2).mean()
    loss = loss_pde + 50 * loss_bc
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    scheduler.step()
    if it % 150 == 0 or it == 1199:
        print(f"It {it}: pde {loss_pde.item():.3e} bc {loss_bc.item():.3e}")

with torch.no_grad():
    grid = torch.linspace(0, 1, 201).unsqueeze(1)
    exact = torch.sin(math.pi * grid)
    error = (model(grid) - exact).norm() / exact.norm()
print(f"relative L2 error: {error.item():.2e}")
print(f"score: {1 - error.item():.4f}")
