"""Imitation with DAgger: a network balances a pole; in each round it drives, the expert says what it would have done
in the states visited, and the network goes on training on all the states gathered so far.
"""

import sys

import torch
from torch import nn

torch.set_num_threads(1)


def expert(state):
    angle, speed = state[:, 0], state[:, 1]
    return torch.clamp(-14 * torch.sin(angle) - 4 * speed, -8, 8)


def dynamics(state, force, dt=0.03):
    angle, speed = state[:, 0], state[:, 1]
    speed = speed + dt * (6 * torch.sin(angle) - 0.2 * speed + force)
    return torch.stack([angle + dt * speed, speed], dim=1)


def rollout(controller, n, steps, wind):
    state = torch.stack([0.8 * torch.rand(n) - 0.4, 2 * torch.rand(n) - 1], dim=1)
    visited, cost = [], 0.0
    for _ in range(steps):
        visited.append(state)
        force = controller(state)
        cost += (state[:, 0] ** 2 + 0.1 * state[:, 1] ** 2 + 0.001 * force**2).mean().item()
        state = dynamics(state, force + wind * torch.randn(n))
    return torch.cat(visited), cost / steps


class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1))

    def forward(self, state):
        return self.body(state).squeeze(1)

    @torch.no_grad()
    def act(self, state):
        return 8 * self(state)


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    policy = Policy()
    optimizer = torch.optim.Adam(policy.parameters(), lr=3e-3)
    states, _ = rollout(expert, n=20, steps=60, wind=1.0)
    actions = expert(states) / 8
    for round_ in range(8):
        losses = []
        for _ in range(150):
            rows = torch.randint(len(states), (128,))
            loss = nn.functional.mse_loss(policy(states[rows]), actions[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        visited, cost = rollout(policy.act, n=20, steps=60, wind=1.0)
        mean_loss = sum(losses[-50:]) / 50
        print(f"round {round_}: {len(states)} states, imitation loss {mean_loss:.5f}, cost when driving {cost:.4f}")
        states = torch.cat([states, visited])
        actions = torch.cat([actions, expert(visited) / 8])

    torch.manual_seed(seed + 1000)  # the same starts and wind for both
    _, ours = rollout(policy.act, n=500, steps=120, wind=1.0)
    torch.manual_seed(seed + 1000)
    _, best = rollout(expert, n=500, steps=120, wind=1.0)
    print(f"test cost: policy {ours:.4f}, expert {best:.4f}")
    print(f"score: {min(1.0, best / ours):.4f}")


main()
