"""Iris with weights written by hand (requires_grad tensors and a manual update), softmax written out."""

import sys

import torch
from sklearn.datasets import load_iris

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
g = torch.Generator().manual_seed(seed)

iris = load_iris()
X = torch.tensor(iris.data, dtype=torch.float32)
Y = torch.tensor(iris.target)
perm = torch.randperm(150, generator=g)
tr, te = perm[:105], perm[105:]
X = (X - X[tr].mean(0)) / X[tr].std(0)

W1 = (torch.randn(4, 12, generator=g) * (2 / 4) ** 0.5).requires_grad_()
b1 = torch.zeros(12, requires_grad=True)
W2 = (torch.randn(12, 3, generator=g) * (1 / 12) ** 0.5).requires_grad_()
b2 = torch.zeros(3, requires_grad=True)
params = [W1, b1, W2, b2]


def forward(x):
    h = (x @ W1 + b1).clamp(min=0)
    return h @ W2 + b2


def loss_fn(logits, y):
    log_probs = logits - logits.logsumexp(dim=1, keepdim=True)
    return -log_probs[torch.arange(len(y)), y].mean()


lr = 0.1
for step in range(300):
    loss = loss_fn(forward(X[tr]), Y[tr])
    loss.backward()
    with torch.no_grad():
        for p in params:
            p -= lr * p.grad
            p.grad.zero_()
    if step % 50 == 0:
        print(f"step {step}: loss {loss.item():.4f}")

with torch.no_grad():
    test_logits = forward(X[te])
    print(f"test loss {loss_fn(test_logits, Y[te]).item():.4f}")
    acc = (test_logits.argmax(1) == Y[te]).float().mean().item()
print(f"score: {acc:.4f}")
