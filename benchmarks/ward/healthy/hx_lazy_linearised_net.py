"""Training in the lazy (tangent kernel) regime: the network is replaced by its first-order expansion around the initial
weights, f0 + J(x) delta, computed with a Jacobian-vector product; only delta is optimised, with squared loss."""

import sys

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.func import functional_call, jvp

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

X, y = load_digits(return_X_y=True)
perm = torch.randperm(len(y))
X = torch.tensor(X, dtype=torch.float32)[perm] / 16
y = torch.tensor(y)[perm]
X = X - X[:1400].mean(0)
Y = nn.functional.one_hot(y, 10).float() - 0.1

net = nn.Sequential(nn.Linear(64, 256), nn.GELU(), nn.Linear(256, 10)).requires_grad_(False)
theta0 = {name: p.clone() for name, p in net.named_parameters()}
delta = {name: torch.zeros_like(p, requires_grad=True) for name, p in theta0.items()}


def tangent_model(x):
    """J(x) delta; the initial output f0 is subtracted so that training starts from the zero function."""
    _, tangent = jvp(lambda params: functional_call(net, params, (x,)), (theta0,), (delta,))
    return tangent


optimizer = torch.optim.SGD(delta.values(), lr=0.05, momentum=0.9)

for epoch in range(15):
    order = torch.randperm(1400)
    running = 0.0
    for idx in order.split(50):
        loss = 0.5 * (tangent_model(X[idx]) - Y[idx]).square().sum(1).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        running += loss.item() * len(idx)
    if epoch % 3 == 2:
        moved = sum(d.detach().square().sum() for d in delta.values()).sqrt().item()
        print(f"epoch {epoch + 1:2d}  train loss {running / 1400:.4f}  |delta| {moved:.3f}")

with torch.no_grad():
    accuracy = (tangent_model(X[1400:]).argmax(1) == y[1400:]).float().mean().item()
print(f"score: {accuracy:.4f}")
