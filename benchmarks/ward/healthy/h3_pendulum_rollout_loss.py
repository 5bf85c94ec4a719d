"""Learns the dynamics of a damped pendulum from simulated trajectories. The network predicts the change of the state
and is unrolled for as many steps as the epoch allows (1, later up to 8), the loss is on the whole roll-out. Score: R2
of the state after 25 steps on new trajectories.
"""

import sys

import torch
from torch import nn

DT = 0.1


def simulate(n, steps, generator):
    theta = 4 * torch.rand(n, generator=generator) - 2
    omega = 2 * torch.rand(n, generator=generator) - 1
    states = []
    for _ in range(steps + 1):
        states.append(torch.stack([theta, omega], dim=1))
        for _ in range(10):  # fine inner steps
            omega = omega + DT / 10 * (-3 * torch.sin(theta) - 0.2 * omega)
            theta = theta + DT / 10 * omega
    return torch.stack(states, dim=1)


class Dynamics(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(2, 48), nn.Tanh(), nn.Linear(48, 48), nn.Tanh(), nn.Linear(48, 2))

    def forward(self, state, steps):
        path = []
        for _ in range(steps):
            state = state + DT * self.net(state)
            path.append(state)
        return torch.stack(path, dim=1)


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    train, test = simulate(120, 40, generator), simulate(60, 25, generator)
    model = Dynamics()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 6, 0.5)
    for epoch in range(20):
        horizon = min(8, 1 + epoch // 2)
        pieces = train.unfold(1, horizon + 1, horizon).permute(0, 1, 3, 2).reshape(-1, horizon + 1, 2)
        order = torch.randperm(len(pieces), generator=generator)[:960]
        total = 0.0
        for idx in order.split(48):
            rollout = model(pieces[idx, 0], horizon)
            loss = (rollout - pieces[idx, 1:]).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(idx) / len(order)
        scheduler.step()
        print(f"epoch {epoch + 1:2d} horizon {horizon} loss {total:.6f}")
    with torch.no_grad():
        final = model(test[:, 0], 25)[:, -1]
    r2 = 1 - (final - test[:, -1]).square().sum() / (test[:, -1] - test[:, -1].mean(0)).square().sum()
    print(f"score: {r2.item():.4f}")


main()
