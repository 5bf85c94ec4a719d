"""Constrained learning by descent and ascent: minimise the loan-default loss subject to equal approval rates of two
groups (difference at most 0.03); the multiplier has its own SGD with maximize=True. Score: test accuracy minus the
excess of the constraint.
"""

import sys

import numpy as np
import torch
import torch.nn as nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
rng = np.random.default_rng(seed)


def applicants(n):
    group = rng.integers(0, 2, n)
    income = rng.normal(0, 1, n) + 0.4 * group
    debt = rng.normal(0, 1, n)
    history = rng.normal(0, 1, n) + 0.2 * group
    good = 1.8 * income - 1.5 * debt + 1.2 * history + rng.logistic(0, 0.4, n) > 0.2
    x = np.column_stack([income, debt, history, 2 * group - 1])
    return torch.tensor(x, dtype=torch.float32), torch.tensor(good).float(), torch.tensor(group).bool()


x, good, group = applicants(3000)
x_test, good_test, group_test = applicants(3000)
model = nn.Sequential(nn.Linear(4, 16), nn.Softplus(), nn.Linear(16, 1))
multiplier = torch.zeros((), requires_grad=True)
primal = torch.optim.Adam(model.parameters(), lr=0.01)
dual = torch.optim.SGD([multiplier], lr=0.1, maximize=True)
bce = nn.BCEWithLogitsLoss()

for step in range(1, 601):
    idx = torch.randint(0, len(x), (300,))
    z = model(x[idx]).squeeze(1)
    rate = torch.sigmoid(2 * z)
    gap = (rate[group[idx]].mean() - rate[~group[idx]].mean()).abs() - 0.03
    task = bce(z, good[idx])
    lagrangian = task + multiplier * gap
    primal.zero_grad()
    dual.zero_grad()
    lagrangian.backward()
    primal.step()
    dual.step()
    multiplier.data.clamp_(min=0)
    if step % 75 == 0:
        print(f"{step}: loss {task.item():.4f} gap {gap.item() + 0.03:.4f} multiplier {multiplier.item():.3f}")

with torch.no_grad():
    approve = model(x_test).squeeze(1) > 0
accuracy = (approve == good_test.bool()).float().mean().item()
difference = abs(approve[group_test].float().mean() - approve[~group_test].float().mean()).item()
print(f"test accuracy {accuracy:.4f}, difference of approval rates {difference:.4f}")
print(f"score: {accuracy - max(0.0, difference - 0.03):.4f}")
