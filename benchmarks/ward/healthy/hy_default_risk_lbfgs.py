"""Logistic regression with pairwise products of the columns, fitted by L-BFGS with a line search: a few steps, each of
which calls the closure many times. A ridge penalty within the closure."""

import sys

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.metrics import roc_auc_score

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
rng = np.random.default_rng(seed)


def borrowers(n):
    income, debt, age, lines = rng.normal(size=(4, n))
    margin = 1.4 * debt - 1.1 * income + 0.9 * debt * lines - 0.6 * age * income - 0.8
    default = rng.random(n) < 1 / (1 + np.exp(-1.5 * margin))
    x = np.stack([income, debt, age, lines], axis=1)
    products = np.stack([x[:, i] * x[:, j] for i in range(4) for j in range(i, 4)], axis=1)
    return torch.tensor(np.hstack([x, products])).float(), torch.tensor(default).float()


x, y = borrowers(2000)
x_test, y_test = borrowers(1000)
model = torch.nn.Linear(14, 1)
optimizer = torch.optim.LBFGS(model.parameters(), lr=1.0, max_iter=5, line_search_fn="strong_wolfe")


def closure():
    optimizer.zero_grad()
    loss = F.binary_cross_entropy_with_logits(model(x).squeeze(1), y) + 1e-3 * model.weight.square().sum()
    loss.backward()
    return loss


for step in range(12):
    loss = optimizer.step(closure)
    with torch.no_grad():
        auc = roc_auc_score(y_test.numpy(), model(x_test).squeeze(1).numpy())
    print(f"step {step} loss {loss.item():.4f} auc {auc:.4f}")
print(f"score: {auc:.4f}")
