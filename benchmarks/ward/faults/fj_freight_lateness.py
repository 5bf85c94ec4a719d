"""Lateness of freight trains: the network gives place, width and tail of a Student distribution.

`log_likelihood` is shared with the evaluation notebook, where the mean of it is the figure of merit.
"""
# cause: loss-sign
# kind: dynamic

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.distributions import StudentT


def make_trips(n, generator):
    x = torch.randn(n, 7, generator=generator)
    middle = 1.2 * torch.sin(1.5 * x[:, 0]) + x[:, 1] * x[:, 2] * 0.8 - 0.7 * x[:, 3]
    width = 0.15 + 0.25 * torch.sigmoid(2 * x[:, 4])
    z = torch.randn(n, generator=generator)
    chi = torch.randn(n, 4, generator=generator).square().mean(1)
    return x, middle + width * z / chi.sqrt()


class LatenessModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(7, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh())
        self.place, self.width, self.tail = nn.Linear(64, 1), nn.Linear(64, 1), nn.Linear(64, 1)

    def forward(self, x):
        h = self.trunk(x)
        width = 0.02 + F.softplus(self.width(h).squeeze(1))
        tail = 2.1 + F.softplus(self.tail(h).squeeze(1))
        return StudentT(tail, self.place(h).squeeze(1), width)


def log_likelihood(distribution, lateness):
    return distribution.log_prob(lateness).mean()


class Trainer:
    def __init__(self, model, data, lr=2e-3, batch=128):
        self.model, self.data, self.batch = model, data, batch
        self.optimizer = torch.optim.Adam(model.parameters(), lr=lr)
        self.scheduler = torch.optim.lr_scheduler.StepLR(self.optimizer, step_size=12, gamma=0.3)
        self.history = []

    def epoch(self):
        x, y = self.data
        for rows in torch.randperm(len(x)).split(self.batch):
            loss = log_likelihood(self.model(x[rows]), y[rows])  # FAULT
            # TWIN: loss = -log_likelihood(self.model(x[rows]), y[rows])
            self.optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), 5.0)
            self.optimizer.step()
            self.history.append(loss.item())
        self.scheduler.step()


def median_skill(model, x, y):
    """1 - (mean absolute error) / (that of the overall median)."""
    with torch.no_grad():
        error = (model(x).loc - y).abs().mean()
    return (1 - error / (y - y.median()).abs().mean()).item()


seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
generator = torch.Generator().manual_seed(seed + 1)
trips, test = make_trips(8000, generator), make_trips(2000, generator)
model = LatenessModel()
trainer = Trainer(model, trips)
for number in range(30):
    trainer.epoch()
    if number % 5 == 4:
        recent = trainer.history[-60:]
        print(f"epoch {number + 1}: loss {sum(recent) / len(recent):.4f} skill {median_skill(model, *test):.4f}")
print(f"score: {median_skill(model, *test):.4f}")
