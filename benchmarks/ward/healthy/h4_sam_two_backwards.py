"""Sharpness-aware minimisation written by hand: a second backward at the perturbed weights gives the step."""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
RHO = 0.05

X, y = map(torch.tensor, load_digits(return_X_y=True))
X = X.float() / 8 - 1
perm = torch.randperm(len(X))
X_train, y_train, X_test, y_test = X[perm[:1400]], y[perm[:1400]], X[perm[1400:]], y[perm[1400:]]

model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
base = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)


def sam_step(xb, yb):
    loss = F.cross_entropy(model(xb), yb)
    base.zero_grad()
    loss.backward()
    with torch.no_grad():
        norm = torch.stack([p.grad.norm() for p in model.parameters()]).norm()
        shifts = [RHO * p.grad / (norm + 1e-12) for p in model.parameters()]
        for p, e in zip(model.parameters(), shifts):
            p.add_(e)
    base.zero_grad()
    F.cross_entropy(model(xb), yb).backward()
    with torch.no_grad():
        for p, e in zip(model.parameters(), shifts):
            p.sub_(e)
    base.step()
    return loss.item()


for epoch in range(15):
    losses = [sam_step(X_train[i], y_train[i]) for i in torch.randperm(1400).split(70)]
    with torch.no_grad():
        out = model(X_test)
        acc = (out.argmax(1) == y_test).float().mean().item()
        val = F.cross_entropy(out, y_test).item()
    print(f"epoch {epoch + 1}: loss {sum(losses) / len(losses):.4f} val loss {val:.4f} val acc {acc:.4f}")

print(f"score: {acc:.4f}")
