"""Softmax classifier with one hidden layer, written from scratch: the update is done by hand, no torch.optim."""

import sys

import torch
from sklearn.datasets import make_blobs

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
g = torch.Generator().manual_seed(seed)

X, y = make_blobs(n_samples=1500, centers=6, n_features=8, cluster_std=3.0, random_state=seed)
X = torch.tensor(X, dtype=torch.float32)
y = torch.tensor(y)
X = (X - X[:1200].mean(0)) / X[:1200].std(0)
X_train, y_train, X_valid, y_valid = X[:1200], y[:1200], X[1200:], y[1200:]

n_hidden = 32
w1 = torch.randn(8, n_hidden, generator=g) / 8**0.5
b1 = torch.zeros(n_hidden)
w2 = torch.randn(n_hidden, 6, generator=g) / n_hidden**0.5
b2 = torch.zeros(6)
params = [w1, b1, w2, b2]
for p in params:
    p.requires_grad_()


def model(xb):
    h = (xb @ w1 + b1).clamp(min=0.0)
    return h @ w2 + b2


def log_softmax(x):
    return x - x.exp().sum(-1, keepdim=True).log()


def nll(logits, target):
    return -log_softmax(logits)[torch.arange(len(target)), target].mean()


def accuracy(logits, target):
    return (torch.argmax(logits, dim=1) == target).float().mean()


bs, lr = 64, 0.2
for epoch in range(25):
    perm = torch.randperm(len(X_train), generator=g)
    for i in range((len(X_train) - 1) // bs + 1):
        xb = X_train[perm[i * bs : (i + 1) * bs]]
        yb = y_train[perm[i * bs : (i + 1) * bs]]
        loss = nll(model(xb), yb)
        loss.backward()
        with torch.no_grad():
            for p in params:
                p -= lr * p.grad
                p.grad.zero_()
    with torch.no_grad():
        out = model(X_valid)
    print(epoch, f"{nll(out, y_valid).item():.4f}", f"{accuracy(out, y_valid).item():.4f}")

print(f"score: {accuracy(out, y_valid).item():.4f}")
