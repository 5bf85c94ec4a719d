"""Gradient boosting with small networks as the weak learners: each new net is fitted to what the sum of the earlier
ones leaves over (shrinkage 0.6), on Friedman's third function.
"""

import sys

import torch
import torch.nn as nn
from sklearn.datasets import make_friedman3
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
STAGES, STEPS, SHRINKAGE = 8, 120, 0.6

X, target = make_friedman3(n_samples=3000, noise=0.03, random_state=seed)
X_tr, X_te, y_tr, y_te = train_test_split(X, target, test_size=0.3, random_state=seed)
x_scaler, y_scaler = StandardScaler().fit(X_tr), StandardScaler().fit(y_tr[:, None])
X_tr, X_te = (torch.tensor(x_scaler.transform(a), dtype=torch.float32) for a in (X_tr, X_te))
y_tr, y_te = (torch.tensor(y_scaler.transform(a[:, None]), dtype=torch.float32) for a in (y_tr, y_te))


def weak_learner():
    return nn.Sequential(nn.Linear(4, 12), nn.ReLU(), nn.Linear(12, 12), nn.ReLU(), nn.Linear(12, 1))


def fit(net, x, residual):
    opt = torch.optim.Adam(net.parameters(), lr=0.01)
    for _ in range(STEPS):
        rows = torch.randint(len(x), (128,))
        loss = ((net(x[rows]) - residual[rows]) ** 2).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
    return net


committee = []
F_tr, F_te = torch.zeros_like(y_tr), torch.zeros_like(y_te)
for stage in range(STAGES):
    net = fit(weak_learner(), X_tr, y_tr - F_tr)
    committee.append(net)
    with torch.no_grad():
        F_tr = F_tr + SHRINKAGE * net(X_tr)
        F_te = F_te + SHRINKAGE * net(X_te)
    r2_tr = 1 - ((y_tr - F_tr).var() / y_tr.var()).item()
    r2_te = 1 - ((y_te - F_te).var() / y_te.var()).item()
    print(f"stage {stage + 1}: R2 train {r2_tr:.4f}, test {r2_te:.4f}")

print(f"score: {r2_te:.4f}")
