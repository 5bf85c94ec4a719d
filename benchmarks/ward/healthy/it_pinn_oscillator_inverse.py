"""Physics-informed network for the damped oscillator, inverse problem: from noisy displacements over the whole interval,
learn the solution and the friction coefficient together.

After Ben Moseley's notebook, https://github.com/benmoseley/harmonic-oscillator-pinn-workshop
"""

import sys

import numpy as np
import torch
import torch.nn as nn

D, W0 = 1.5, 12.0  # mu = 2 * D, k = W0 ** 2


def exact_solution(t):
    w = np.sqrt(W0**2 - D**2)
    phi = np.arctan(-D / w)
    amplitude = 1 / (2 * np.cos(phi))
    return torch.exp(-D * t) * 2 * amplitude * torch.cos(phi + w * t)


class FCN(nn.Module):
    """Fully connected network with tanh activations; time is stretched to about [-2, 2]."""

    def __init__(self, n_hidden, n_layers):
        super().__init__()
        self.fcs = nn.Sequential(nn.Linear(1, n_hidden), nn.Tanh())
        self.fch = nn.Sequential(
            *[nn.Sequential(nn.Linear(n_hidden, n_hidden), nn.Tanh()) for _ in range(n_layers - 1)]
        )
        self.fce = nn.Linear(n_hidden, 1)

    def forward(self, t):
        return self.fce(self.fch(self.fcs(4.0 * t - 2.0)))


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)

    t_obs = torch.rand(50).sort().values.view(-1, 1)
    u_obs = exact_solution(t_obs) + 0.03 * torch.randn_like(t_obs)
    t_physics = torch.linspace(0, 1, 40).view(-1, 1).requires_grad_(True)
    t_test = torch.linspace(0, 1, 300).view(-1, 1)
    u_test = exact_solution(t_test)

    pinn = FCN(32, 3)
    mu = nn.Parameter(torch.zeros(1))  # friction, unknown: the truth is 3
    optimizer = torch.optim.Adam(
        [
            {"params": pinn.parameters(), "lr": 5e-3},
            {"params": [mu], "lr": 2e-2},
        ]
    )
    steps = 1500
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=steps, eta_min=1e-4)
    k, scale = W0**2, W0**-2

    for i in range(steps):
        optimizer.zero_grad()
        u = pinn(t_physics)
        dudt = torch.autograd.grad(u, t_physics, torch.ones_like(u), create_graph=True)[0]
        d2udt2 = torch.autograd.grad(dudt, t_physics, torch.ones_like(dudt), create_graph=True)[0]
        residual = scale * (d2udt2 + mu * dudt + k * u)
        loss_physics = torch.mean(residual**2)
        loss_data = torch.mean((pinn(t_obs) - u_obs) ** 2)
        loss = loss_data + loss_physics
        loss.backward()
        optimizer.step()
        scheduler.step()
        if i % 150 == 0 or i == steps - 1:
            print(f"step {i:5d}  data {loss_data.item():.2e}  physics {loss_physics.item():.2e}  mu {mu.item():.3f}")

    with torch.no_grad():
        error = (torch.linalg.norm(pinn(t_test) - u_test) / torch.linalg.norm(u_test)).item()
    print(f"friction: {mu.item():.3f} (true {2 * D:.1f}), relative L2 error of the solution: {error:.4f}")
    print(f"score: {1 - error:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
