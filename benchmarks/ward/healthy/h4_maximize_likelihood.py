"""Maximises the mean log-likelihood (optimizer with maximize=True) of a heteroscedastic Gaussian regression."""

import sys

import torch
from torch import nn
from torch.distributions import Normal

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

x = torch.rand(1500, 1) * 4 - 2
spread = 0.05 + 0.15 * torch.sigmoid(2 * x)
y = torch.sin(2 * x) + spread * torch.randn_like(x)
x_train, y_train, x_test, y_test = x[:1200], y[:1200], x[1200:], y[1200:]


class MeanAndScale(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh())
        self.mean = nn.Linear(32, 1)
        self.scale = nn.Linear(32, 1)

    def forward(self, x):
        h = self.body(x)
        return Normal(self.mean(h), nn.functional.softplus(self.scale(h)) + 1e-3)


net = MeanAndScale()
optimizer = torch.optim.Adam(net.parameters(), lr=5e-3, maximize=True)
for epoch in range(30):
    for idx in torch.randperm(1200).split(60):
        log_likelihood = net(x_train[idx]).log_prob(y_train[idx]).mean()
        optimizer.zero_grad()
        log_likelihood.backward()
        optimizer.step()
    if epoch % 5 == 4:
        with torch.no_grad():
            test_ll = net(x_test).log_prob(y_test).mean().item()
        print(f"epoch {epoch + 1}: train log-likelihood {log_likelihood.item():.4f}, test {test_ll:.4f}")

print(f"score: {test_ll:.4f}")
