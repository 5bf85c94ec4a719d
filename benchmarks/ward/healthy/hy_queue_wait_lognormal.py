"""Waiting time in a call centre: the network gives mean and log-scale of a lognormal, its likelihood is maximized by
torch.distributions. Evaluated by the share of variance of the logarithm."""

import sys

import torch
from torch import nn
from torch.distributions import Normal

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)


def calls(n):
    hour, agents, backlog = torch.rand(n), torch.randint(3, 12, (n,)).float(), torch.poisson(torch.full((n,), 5.0))
    load = torch.exp(-((hour - 0.4) ** 2) / 0.02) + 0.6 * torch.exp(-((hour - 0.75) ** 2) / 0.01)
    mean = 1.5 + 1.2 * load + 0.12 * backlog - 0.15 * agents
    wait = torch.exp(mean + (0.15 + 0.2 * load) * torch.randn(n))
    return torch.stack([(hour - 0.5) * 3.4, (agents - 7) / 2.6, (backlog - 5) / 2.2], dim=1), wait


class WaitModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(3, 48), nn.Tanh(), nn.Linear(48, 48), nn.Tanh())
        self.loc = nn.Linear(48, 1)
        self.log_scale = nn.Linear(48, 1)
        nn.init.zeros_(self.log_scale.weight)
        nn.init.zeros_(self.log_scale.bias)

    def forward(self, x):
        h = self.body(x)
        return Normal(self.loc(h).squeeze(1), self.log_scale(h).squeeze(1).clamp(-5, 3).exp())


x, wait = calls(2500)
x_test, wait_test = calls(600)
model = WaitModel()
optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
for epoch in range(20):
    total = 0.0
    for idx in torch.randperm(2500).split(50):
        loss = -model(x[idx]).log_prob(wait[idx].log()).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    with torch.no_grad():
        predicted = model(x_test)
        test = -predicted.log_prob(wait_test.log()).mean().item()
        r2 = 1 - (predicted.mean - wait_test.log()).square().mean().item() / wait_test.log().var().item()
    print(f"epoch {epoch + 1:2d} nll {total / 50:.4f} test nll {test:.4f} R2 {r2:.4f}")
print(f"score: {r2:.4f}")
