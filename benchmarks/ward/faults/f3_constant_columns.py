"""Digits standardised by hand: pixels that are blank in every training image have a standard deviation of zero, and
0 / 0 puts NaN into every row."""
# cause: non-finite-input
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
np.random.seed(seed)

X, y = load_digits(return_X_y=True)
order = np.random.permutation(len(X))
X, y = X[order], y[order]
n_train = 1350

mean, std = X[:n_train].mean(axis=0), X[:n_train].std(axis=0)
# TWIN: std[std < 0.1] = 1.0
X = (X - mean) / std

X = torch.tensor(X, dtype=torch.float32)
y = torch.tensor(y)
X_train, y_train, X_val, y_val = X[:n_train], y[:n_train], X[n_train:], y[n_train:]

model = torch.nn.Sequential(
    torch.nn.Linear(64, 64),
    torch.nn.ReLU(),
    torch.nn.Dropout(0.2),
    torch.nn.Linear(64, 10),
)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=1e-2)

for epoch in range(20):
    model.train()
    perm = torch.randperm(n_train)
    for i in range(0, n_train, 45):
        rows = perm[i : i + 45]
        optimizer.zero_grad()
        F.cross_entropy(model(X_train[rows]), y_train[rows]).backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        acc = model(X_val).argmax(dim=1).eq(y_val).float().mean().item()
    if epoch % 2 == 1:
        print("epoch", epoch + 1, "validation accuracy", round(acc, 4))

print(f"score: {acc:.4f}")
