"""Will a customer take a new phone? Logistic regression on a dozen columns, numbers scaled and plans one-hot."""

import sys

import numpy as np
import torch
from sklearn.metrics import roc_auc_score
from torch import nn


def customers(n, rng):
    age = rng.normal(42, 14, n)
    months = rng.integers(1, 60, n)
    bill = rng.gamma(4.0, 8.0, n)
    calls = rng.poisson(30, n)
    gigabytes = rng.lognormal(1.0, 0.8, n)
    plan = rng.integers(4, size=n)
    logit = 0.07 * (months - 24) - 0.03 * (age - 42) + 0.5 * np.log(gigabytes) + np.array([-1, 0, 0.5, 1.5])[plan] - 0.8
    taken = rng.random(n) < 1 / (1 + np.exp(-logit))
    return np.column_stack([age, months, bill, calls, np.log(gigabytes)]), plan, taken


seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
rng = np.random.default_rng(seed)
numbers, plan, taken = customers(6000, rng)
train, test = slice(0, 4500), slice(4500, 6000)
numbers = (numbers - numbers[train].mean(0)) / numbers[train].std(0)
x = torch.tensor(np.concatenate([numbers, np.eye(4)[plan]], axis=1), dtype=torch.float32)
y = torch.tensor(taken, dtype=torch.float32)

model = nn.Linear(x.shape[1], 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
loss_fn = nn.BCEWithLogitsLoss()
for epoch in range(1, 31):
    order = torch.randperm(4500)
    total = 0.0
    for i in range(0, 4500, 50):
        rows = order[i : i + 50]
        loss = loss_fn(model(x[rows]).squeeze(1), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() / 90
    if epoch % 5 == 0:
        with torch.no_grad():
            logits = model(x[test]).squeeze(1)
        auc = roc_auc_score(y[test].numpy(), logits.numpy())
        print(f"epoch {epoch}: train loss {total:.4f}, test loss {loss_fn(logits, y[test]).item():.4f}, AUC {auc:.4f}")
print(f"score: {auc:.4f}")
