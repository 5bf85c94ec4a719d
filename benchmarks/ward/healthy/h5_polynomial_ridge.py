"""Polynomial regression with a ridge penalty written into the loss: standardized polynomials up to degree five and
plain SGD, compared with the closed-form solution.
"""

import sys

import numpy as np
import torch

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
rng = np.random.RandomState(seed)

x = rng.uniform(-2, 2, 300)
y = 0.5 * x**3 - x**2 - x + 1 + rng.normal(0, 0.25, 300)
# Chebyshev polynomials of x / 2 rather than raw powers: nearly uncorrelated columns
powers = np.polynomial.chebyshev.chebvander(x / 2, 5)[:, 1:]
train, test = slice(0, 220), slice(220, 300)
powers = (powers - powers[train].mean(0)) / powers[train].std(0)
y = (y - y[train].mean()) / y[train].std()
X, t = torch.tensor(powers, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)

w = torch.zeros(5, requires_grad=True)
b = torch.zeros(1, requires_grad=True)
lam = 1e-3
optimizer = torch.optim.SGD([w, b], lr=0.02)


def predict(X):
    return X @ w + b


for epoch in range(1, 31):
    order = torch.randperm(220)
    total = 0.0
    for i in range(0, 220, 20):
        idx = order[i : i + 20]
        loss = ((predict(X[idx]) - t[idx]) ** 2).mean() + lam * (w**2).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    if epoch == 20:
        for g in optimizer.param_groups:
            g["lr"] = 0.01
    if epoch % 5 == 0:
        with torch.no_grad():
            test_mse = ((predict(X[test]) - t[test]) ** 2).mean().item()
        print(f"epoch {epoch}: loss {total / 11:.4f}, test mse {test_mse:.4f}")

A = X[train].T @ X[train] / 220 + lam * torch.eye(5)
closed = torch.linalg.solve(A, X[train].T @ t[train] / 220)
print("by gradient ", [round(v, 3) for v in w.tolist()])
print("closed form ", [round(v, 3) for v in closed.tolist()])
print(f"score: {1 - test_mse / t[test].var().item():.4f}")
