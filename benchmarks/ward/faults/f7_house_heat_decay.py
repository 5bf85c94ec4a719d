"""Heat demand of houses, nonlinear in a dozen columns. The weight decay came from a paper that used AdamW; here the
optimizer is Adam, in which it is a penalty as large as the error itself."""
# cause: over-regularization
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn.functional as F


def houses(n, rng):
    x = rng.normal(size=(n, 12))
    y = np.sin(1.5 * x[:, 0]) + 0.6 * x[:, 1] * x[:, 2] + 0.5 * np.abs(x[:, 3]) - 0.4 * x[:, 4]
    y = y + 0.15 * rng.normal(size=n)
    return torch.tensor(x, dtype=torch.float32), torch.tensor((y - 0.4) / 1.1, dtype=torch.float32)


def linear(n_in, n_out):
    weight = torch.randn(n_out, n_in) * (2 / n_in) ** 0.5
    return weight.requires_grad_(), torch.zeros(n_out, requires_grad=True)


def network(x, params):
    (w1, b1), (w2, b2), (w3, b3) = params
    x = F.relu(F.linear(x, w1, b1))
    x = F.relu(F.linear(x, w2, b2))
    return F.linear(x, w3, b3)[:, 0]


seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
rng = np.random.default_rng(seed)
x, y = houses(2400, rng)
x_test, y_test = houses(600, rng)
params = [linear(12, 80), linear(80, 80), linear(80, 1)]
flat = [p for pair in params for p in pair]
optimizer = torch.optim.Adam(flat, lr=2e-3, weight_decay=0.2)  # FAULT
# TWIN: optimizer = torch.optim.Adam(flat, lr=2e-3, weight_decay=1e-5)

for epoch in range(20):
    order = rng.permutation(len(x))
    losses = []
    for k in range(0, len(x), 48):
        batch = order[k : k + 48]
        optimizer.zero_grad()
        loss = F.mse_loss(network(x[batch], params), y[batch])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    with torch.no_grad():
        test = F.mse_loss(network(x_test, params), y_test).item()
    print(f"epoch {epoch:2d}  train {np.mean(losses):.4f}  test {test:.4f}")
print(f"score: {1 - test / y_test.var().item():.4f}")
