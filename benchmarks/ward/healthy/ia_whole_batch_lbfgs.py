"""Fits the yield of a field with L-BFGS, the whole table in each evaluation, the step by a line search."""

import sys

import torch
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)


def fields(n):
    x = torch.rand(n, 3) * 2 - 1
    y = torch.sin(2.5 * x[:, 0]) + x[:, 1] * x[:, 2] + 0.1 * torch.randn(n)
    return x / 0.58, (y / 0.75).unsqueeze(1)


x, y = fields(800)
x_test, y_test = fields(300)
model = nn.Sequential(nn.Linear(3, 20), nn.Tanh(), nn.Linear(20, 1))
optimizer = torch.optim.LBFGS(model.parameters(), lr=1.0, max_iter=8, history_size=20, line_search_fn="strong_wolfe")


def closure():
    optimizer.zero_grad()
    loss = nn.functional.mse_loss(model(x), y) + 1e-4 * sum(p.pow(2).sum() for p in model.parameters())
    loss.backward()
    return loss


for step in range(20):
    loss = optimizer.step(closure)
    with torch.no_grad():
        error = nn.functional.mse_loss(model(x_test), y_test).item()
    print(f"step {step} loss {loss.item():.4f} test {error:.4f}")
print(f"score: {1 - error / y_test.var().item():.4f}")
