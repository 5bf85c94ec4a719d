"""Loan default prediction from amounts in currency units (income, loan, balance, ... all in the thousands).

Fault: the features are used as they come, never standardised.
"""
# cause: unscaled-inputs
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
rng = np.random.default_rng(seed)

n = 2400
income = rng.lognormal(8.2, 0.35, n)
loan = rng.lognormal(8.4, 0.5, n)
balance = rng.normal(5200, 1500, n)
spending = income * rng.uniform(0.4, 1.0, n)
deposit = rng.gamma(4.0, 900.0, n)
table = np.stack([income, loan, balance, spending, deposit], axis=1)
risk = 1.6 * (loan / income - 1.3) - (balance - 5200) / 1200 + 4.0 * (spending / income - 0.7) - (deposit - 3600) / 1800
default = (risk + 0.3 * rng.standard_normal(n) > 0).astype(np.int64)

train, test = slice(0, 1800), slice(1800, n)
# TWIN: table = (table - table[train].mean(axis=0)) / table[train].std(axis=0)
X = torch.tensor(table, dtype=torch.float32)
y = torch.from_numpy(default)


class Scorecard(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden1 = nn.Linear(5, 32)
        self.hidden2 = nn.Linear(32, 32)
        self.output = nn.Linear(32, 2)

    def forward(self, x):
        x = torch.sigmoid(self.hidden1(x))
        x = F.relu(self.hidden2(x))
        return self.output(x)


model = Scorecard()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(25):
    for rows in torch.randperm(1800).split(60):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(X[train][rows]), y[train][rows])
        loss.backward()
        optimizer.step()
    if epoch % 5 == 4:
        with torch.no_grad():
            val = F.cross_entropy(model(X[test]), y[test]).item()
        print(f"epoch {epoch + 1:2d} last batch {loss.item():.4f} val {val:.4f}")

with torch.no_grad():
    acc = (model(X[test]).argmax(1) == y[test]).float().mean()
print(f"score: {acc.item():.4f}")
