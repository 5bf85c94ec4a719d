"""A pendulum swung up by a policy trained by backpropagation through the differentiable simulation: there are no data
and no labels, the loss is the cost along a rollout of 60 steps, the gradient comes through 60 steps of physics (it is
normalized by clipping), and every batch is of fresh starts. Score: minus the mean cost of the final third of a rollout.
"""

import math
import sys

import torch
import torch.nn as nn

torch.set_num_threads(1)
DT, STEPS, TORQUE = 0.05, 60, 14.0


class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(3, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 1))

    def forward(self, angle, speed):
        state = torch.stack([angle.cos(), angle.sin(), speed / 5], 1)
        return TORQUE * torch.tanh(self.net(state).squeeze(1))


def physics(angle, speed, torque):
    speed = speed + DT * (9.8 * torch.sin(angle) + torque - 0.1 * speed)
    return angle + DT * speed, speed


def rollout(policy, n):
    angle, speed = math.pi + 1.5 * torch.randn(n), 0.5 * torch.randn(n)  # 0 is upright
    costs = []
    for _ in range(STEPS):
        torque = policy(angle, speed)
        angle, speed = physics(angle, speed, torque)
        costs.append((1 - angle.cos()) + 0.02 * speed**2 + 0.001 * torque**2)
    return torch.stack(costs)


def main(seed):
    torch.manual_seed(seed)
    policy = Policy()
    optimizer = torch.optim.Adam(policy.parameters(), lr=4e-3)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.05, total_iters=200)
    for step in range(1, 201):
        cost = rollout(policy, 64).mean()
        optimizer.zero_grad()
        cost.backward()
        norm = nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % 25 == 0:
            with torch.no_grad():
                late = rollout(policy, 256)[-20:].mean()
            print(f"step {step}: cost {cost.item():.4f} late cost {late.item():.4f} gradient {norm.item():.3f}")
    with torch.no_grad():
        print(f"score: {-rollout(policy, 1000)[-20:].mean().item():.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
