"""Softmax regression by hand: raw tensors, autograd.grad instead of backward and a momentum update written out, on the
wine data. There is neither a module nor an optimizer.
"""

import sys

import torch
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

X, y = load_wine(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3, stratify=y, random_state=seed)
mean, std = X_train.mean(0), X_train.std(0)
X_train, X_test = (torch.tensor((a - mean) / std, dtype=torch.float32) for a in (X_train, X_test))
y_train, y_test = torch.tensor(y_train), torch.tensor(y_test)

W = (0.01 * torch.randn(13, 3)).requires_grad_()
b = torch.zeros(3, requires_grad=True)
params = [W, b]
velocity = [torch.zeros_like(p) for p in params]


def nll(X, y):
    logits = X @ W + b
    log_probs = logits - logits.logsumexp(1, keepdim=True)
    return -log_probs[torch.arange(len(y)), y].mean()


lr, momentum, decay = 0.01, 0.9, 0.01
for step in range(1, 201):
    idx = torch.randint(len(X_train), (32,))
    loss = nll(X_train[idx], y_train[idx])
    grads = torch.autograd.grad(loss, params)
    with torch.no_grad():
        for p, g, v in zip(params, grads, velocity):
            v.mul_(momentum).add_(g)
            if p is W:
                v.add_(p, alpha=decay)
            p.sub_(v, alpha=lr)
    if step == 120:
        lr /= 5
    if step % 20 == 0:
        with torch.no_grad():
            train, test = nll(X_train, y_train), nll(X_test, y_test)
            acc = ((X_test @ W + b).argmax(1) == y_test).float().mean()
        print(f"{step:4d}  train {train:.4f}  test {test:.4f}  accuracy {acc:.4f}")
print(f"score: {acc:.4f}")
