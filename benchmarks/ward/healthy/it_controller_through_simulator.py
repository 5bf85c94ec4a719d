"""A neural controller that rights and balances a pendulum with bounded torque, trained by backpropagation through a differentiable
simulator; compared with doing nothing on unseen initial states.

After the "backpropagation through time" controllers of DiffTaichi / course material on differentiable physics,
https://physicsbaseddeeplearning.org/diffphys-control.html
"""

import math
import sys

import torch
import torch.nn as nn

DT, HORIZON, MAX_TORQUE = 0.05, 40, 12.0


def step(theta, omega, torque):
    """theta = 0 is upright; semi-implicit Euler with some friction."""
    acc = 9.81 * torch.sin(theta) + torque - 0.1 * omega
    omega = omega + DT * acc
    return theta + DT * omega, omega


def running_cost(theta, omega, torque):
    return (1 - torch.cos(theta)) + 0.02 * omega**2 + 0.002 * torque**2


class Controller(nn.Module):
    def __init__(self, hidden=64):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(3, hidden), nn.Tanh(), nn.Linear(hidden, hidden), nn.Tanh(), nn.Linear(hidden, 1)
        )

    def forward(self, theta, omega):
        features = torch.stack([torch.cos(theta), torch.sin(theta), omega / 5.0], dim=-1)
        return MAX_TORQUE * torch.tanh(self.net(features)).squeeze(-1)


def rollout(controller, theta, omega):
    total = 0.0
    for _ in range(HORIZON):
        torque = controller(theta, omega)
        total = total + running_cost(theta, omega, torque)
        theta, omega = step(theta, omega, torque)
    return total / HORIZON, theta, omega


def sample_states(n, generator):
    theta = (torch.rand(n, generator=generator) * 2 - 1) * math.pi * 0.5
    omega = torch.randn(n, generator=generator)
    return theta, omega


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    controller = Controller()
    iterations = 150
    optimizer = torch.optim.Adam(controller.parameters(), lr=5e-3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, iterations, eta_min=1e-4)

    for it in range(iterations):
        theta, omega = sample_states(64, generator)
        cost, _, _ = rollout(controller, theta, omega)
        loss = cost.mean()
        optimizer.zero_grad()
        loss.backward()
        norm = nn.utils.clip_grad_norm_(controller.parameters(), 1.0)
        optimizer.step()
        scheduler.step()
        if it % 15 == 0 or it == iterations - 1:
            print(f"iter {it:4d}  cost {loss.item():.4f}  grad norm {norm:.3f}")

    with torch.no_grad():
        theta, omega = sample_states(500, torch.Generator().manual_seed(777 + seed))
        cost, final, _ = rollout(controller, theta, omega)
        passive, _, _ = rollout(lambda th, om: torch.zeros_like(th), theta, omega)
        upright = (torch.cos(final) > 0.95).float().mean().item()
    print(f"test cost {cost.mean():.4f}, without control {passive.mean():.4f}, upright at the end {upright:.3f}")
    print(f"score: {upright:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
