"""A pump's throughput learned by a server whose workers answer late: each step uses the gradient of four steps ago.

Asynchronous training in one process. The rate is small enough for the delay, and no momentum is added to it.
"""

import sys
from collections import deque

import torch
from torch import nn

DELAY, STEPS, RATE = 4, 3000, 0.03

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)


def pumps(count):
    x = torch.rand(count, 5) * 2 - 1
    flow = torch.sin(2.5 * x[:, 0]) * (1 + 0.5 * x[:, 1]) + x[:, 2] ** 2 - 0.6 * x[:, 3] + 0.1 * torch.randn(count)
    return 1.7 * x, (flow - 0.33) / 0.9


train_x, train_y = pumps(4000)
test_x, test_y = pumps(1000)

server = nn.Sequential(nn.Linear(5, 48), nn.Tanh(), nn.Linear(48, 48), nn.Tanh(), nn.Linear(48, 1))
optimizer = torch.optim.SGD(server.parameters(), lr=RATE)
schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1.0 if step < 2200 else 0.2)
underway = deque()
for step in range(STEPS):
    rows = torch.randint(0, len(train_x), (64,))
    loss = nn.functional.mse_loss(server(train_x[rows]).squeeze(1), train_y[rows])
    underway.append(torch.autograd.grad(loss, list(server.parameters())))
    if len(underway) > DELAY:
        for parameter, gradient in zip(server.parameters(), underway.popleft(), strict=True):
            parameter.grad = gradient
        optimizer.step()
    schedule.step()
    if step % 500 == 499:
        print(f"step {step + 1}: loss {loss.item():.4f}, {len(underway)} gradients underway")

with torch.no_grad():
    error = nn.functional.mse_loss(server(test_x).squeeze(1), test_y)
print(f"score: {1 - (error / test_y.var()).item():.4f}")
