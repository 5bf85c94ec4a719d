"""Softmax regression of wines written as in numpy: gradients by hand, weights that start at zero (the problem is
convex), full batch, momentum by hand. Autograd is not used."""

import sys

import torch
from sklearn.datasets import load_wine

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
wine = load_wine()
x = torch.tensor(wine.data, dtype=torch.float32)
y = torch.tensor(wine.target)
order = torch.randperm(len(y))
train, test = order[:120], order[120:]
x = (x - x[train].mean(0)) / x[train].std(0)
onehot = torch.eye(3)[y]
W, b = torch.zeros(13, 3), torch.zeros(3)
vW, vb = torch.zeros_like(W), torch.zeros_like(b)
for step in range(1, 201):
    p = torch.softmax(x[train] @ W + b, dim=1)
    loss = -(onehot[train] * p.log()).sum(1).mean() + 5e-3 * W.square().sum()
    error = (p - onehot[train]) / len(train)
    gW = x[train].T @ error + 1e-2 * W
    gb = error.sum(0)
    vW = 0.9 * vW - 0.1 * gW
    vb = 0.9 * vb - 0.1 * gb
    W, b = W + vW, b + vb
    if step % 25 == 0:
        accuracy = ((x[test] @ W + b).argmax(1) == y[test]).float().mean().item()
        print(f"step {step} loss {loss.item():.4f} test {accuracy:.4f}")
print(f"score: {accuracy:.4f}")
