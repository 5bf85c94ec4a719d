"""Regression on Friedman #1 with a twelve-layer ReLU stack built from raw tensors, SGD with momentum.

The weights are drawn as randn / sqrt(fan_in) times 2 instead of times sqrt(2): the signal and the gradient grow from
layer to layer.
"""
# cause: exploding-gradient
# accept: bad-initialization
# kind: dynamic

import itertools
import sys

import torch
from sklearn.datasets import make_friedman1

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
gen = torch.Generator().manual_seed(seed)

x, y = make_friedman1(n_samples=4000, n_features=10, noise=0.5, random_state=seed)
x = torch.from_numpy(x).float() * 2 - 1
y = torch.from_numpy(y).float().unsqueeze(1)
x_tr, y_tr, x_te, y_te = x[:3200], y[:3200], x[3200:], y[3200:]
mean, std = y_tr.mean(), y_tr.std()
y_tr, y_te = (y_tr - mean) / std, (y_te - mean) / std

GAIN = 2.0  # FAULT
# TWIN: GAIN = 2**0.5
sizes = [10] + [48] * 11 + [1]
weights, biases = [], []
for n_in, n_out in itertools.pairwise(sizes):
    w = torch.randn(n_in, n_out, generator=gen) * GAIN / n_in**0.5
    weights.append(w.requires_grad_())
    biases.append(torch.zeros(n_out, requires_grad=True))


def forward(h):
    for w, b in zip(weights[:-1], biases[:-1], strict=True):
        h = (h @ w + b).clamp(min=0)
    return h @ weights[-1] + biases[-1]


def mse(pred, target):
    return ((pred - target) ** 2).mean()


opt = torch.optim.SGD(weights + biases, lr=0.003, momentum=0.9)
for step in range(700):
    idx = torch.randint(len(x_tr), (64,), generator=gen)
    loss = mse(forward(x_tr[idx]), y_tr[idx])
    opt.zero_grad()
    loss.backward()
    opt.step()
    if step % 100 == 0:
        with torch.no_grad():
            print(f"step {step:4d} train mse {loss.item():.4g} test mse {mse(forward(x_te), y_te).item():.4g}")

with torch.no_grad():
    score = 1 - mse(forward(x_te), y_te) / y_te.var()
print(f"score: {max(-1.0, score.item()):.4f}")
