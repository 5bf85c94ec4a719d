"""LBFGS with a closure and a strong-Wolfe line search, full batch: a small tanh network fitted in float64 to a damped
wave with a little noise. The closure is called several times a step.
"""

import sys

import torch
from torch import nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
torch.set_default_dtype(torch.float64)


def wave(x):
    return torch.exp(-0.6 * x.abs()) * torch.cos(3 * x)


x_train = torch.rand(400, 1) * 6 - 3
y_train = wave(x_train) + 0.05 * torch.randn(400, 1)
x_test = torch.rand(200, 1) * 6 - 3
y_test = wave(x_test) + 0.05 * torch.randn(200, 1)

model = nn.Sequential(nn.Linear(1, 20), nn.Tanh(), nn.Linear(20, 20), nn.Tanh(), nn.Linear(20, 1))
criterion = nn.MSELoss()
optimizer = torch.optim.LBFGS(model.parameters(), lr=1.0, max_iter=10, history_size=20, line_search_fn="strong_wolfe")


def closure():
    optimizer.zero_grad()
    loss = criterion(model(x_train), y_train)
    loss.backward()
    return loss


for i in range(30):
    loss = optimizer.step(closure)
    if i % 3 == 2:
        with torch.no_grad():
            test_loss = criterion(model(x_test), y_test)
        print(f"step {i + 1}: train loss {loss.item():.6f} test loss {test_loss.item():.6f}")

with torch.no_grad():
    residual = (model(x_test) - y_test).pow(2).sum()
    r2 = 1 - residual / (y_test - y_test.mean()).pow(2).sum()
print(f"score: {r2.item():.5f}")
