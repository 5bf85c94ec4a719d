"""Meta-learning of rooms' heating curves: the features come from many rooms, the last layer is solved for each room
by ridge regression on ten readings, and the gradient goes through the solution."""

import sys

import torch
from torch import nn


def rooms(n, readings):
    gain, lag = 0.5 + torch.rand(n, 1, 1), 6.283 * torch.rand(n, 1, 1)
    hour = torch.rand(n, readings, 1) * 2 - 1
    return hour, gain * torch.sin(3 * hour + lag) + 0.02 * torch.randn(n, readings, 1)


class RidgeLearner(nn.Module):
    def __init__(self, features=16):
        super().__init__()
        self.phi = nn.Sequential(nn.Linear(1, 48), nn.Tanh(), nn.Linear(48, features), nn.Tanh())
        self.log_ridge = nn.Parameter(torch.tensor(-2.0))

    def forward(self, hour, warmth, new_hour):
        a, b = self.phi(hour), self.phi(new_hour)
        gram = a @ a.transpose(1, 2) + self.log_ridge.exp() * torch.eye(a.shape[1])
        return b @ a.transpose(1, 2) @ torch.linalg.solve(gram, warmth)


def explained(learner, n=200):
    hour, warmth = rooms(n, 60)
    with torch.no_grad():
        out = learner(hour[:, :10], warmth[:, :10], hour[:, 10:])
    return 1 - (nn.functional.mse_loss(out, warmth[:, 10:]) / warmth[:, 10:].var()).item()


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    learner = RidgeLearner()
    optimizer = torch.optim.Adam(learner.parameters(), lr=3e-3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 500, eta_min=1e-4)
    for step in range(500):
        hour, warmth = rooms(32, 30)
        out = learner(hour[:, :10], warmth[:, :10], hour[:, 10:])
        loss = nn.functional.mse_loss(out, warmth[:, 10:])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        if step % 50 == 0:
            print(f"step {step} loss {loss.item():.5f} new rooms explained {explained(learner):.4f}")
    print(f"score: {explained(learner):.4f}")
