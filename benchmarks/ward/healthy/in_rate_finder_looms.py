"""Thread tension on a loom from twelve sensors.

A range test first: the rate grows from step to step until the loss blows up. Then the weights and the optimizer are
made anew and the network is trained with a third of the best rate seen.
"""

import copy
import math
import sys

import torch
from torch import nn

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)


def loom(n):
    x = torch.randn(n, 12)
    y = torch.tanh(x[:, 0] + x[:, 1]) + 0.7 * x[:, 2] * torch.sigmoid(x[:, 3]) + 0.4 * x[:, 4].abs() - 0.3 * x[:, 5]
    return x, y + 0.15 * torch.randn(n)


x_train, y_train = loom(3000)
x_test, y_test = loom(800)
center, spread = y_train.mean(), y_train.std()
y_train, y_test = (y_train - center) / spread, (y_test - center) / spread


def batches(size=50):
    order = torch.randperm(len(x_train))
    for i in range(0, len(order), size):
        rows = order[i : i + size]
        yield x_train[rows], y_train[rows]


def step(model, optimizer, x, y):
    loss = nn.functional.mse_loss(model(x).squeeze(1), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def find_rate(model, low=1e-4, high=30.0, steps=120):
    model = copy.deepcopy(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=low, momentum=0.9)
    smooth, best, best_rate, count = None, math.inf, low, 0
    while True:
        for x, y in batches():
            rate = low * (high / low) ** (count / steps)
            optimizer.param_groups[0]["lr"] = rate
            loss = step(model, optimizer, x, y)
            smooth = loss if smooth is None else 0.9 * smooth + 0.1 * loss
            if smooth < best:
                best, best_rate = smooth, rate
            count += 1
            if count == steps or not math.isfinite(smooth) or smooth > 4 * best:
                print(f"range test: stopped at {rate:.3g} with loss {smooth:.3g}, best at {best_rate:.3g}")
                return best_rate / 3


model = nn.Sequential(nn.Linear(12, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 1))
rate = find_rate(model)
optimizer = torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 30)
for epoch in range(30):
    losses = [step(model, optimizer, x, y) for x, y in batches()]
    scheduler.step()
    with torch.no_grad():
        r2 = 1 - nn.functional.mse_loss(model(x_test).squeeze(1), y_test).item()
    if epoch % 5 == 4:
        print(f"epoch {epoch + 1}: {sum(losses) / len(losses):.4f}, test R2 {r2:.4f}")
print(f"score: {r2:.4f}")
