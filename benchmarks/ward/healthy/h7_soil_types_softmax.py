"""Five kinds of soil from ten laboratory readings: softmax regression written with a weight matrix and plain SGD."""

import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import make_blobs

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
g = torch.Generator().manual_seed(seed)

X, y = make_blobs(n_samples=1500, n_features=10, centers=5, cluster_std=3.0, center_box=(-6, 6), random_state=seed + 10)
X, y = torch.from_numpy(X).float(), torch.from_numpy(y).long()
X_train, y_train, X_test, y_test = X[:1100], y[:1100], X[1100:], y[1100:]
mean, std = X_train.mean(0), X_train.std(0)
X_train, X_test = (X_train - mean) / std, (X_test - mean) / std

W = torch.zeros(10, 5, requires_grad=True)
b = torch.zeros(5, requires_grad=True)
opt = torch.optim.SGD([W, b], lr=0.1)

for epoch in range(20):
    order = torch.randperm(len(X_train), generator=g)
    total, hits = 0.0, 0
    for i in range(0, len(order), 50):
        idx = order[i : i + 50]
        logits = X_train[idx] @ W + b
        loss = F.cross_entropy(logits, y_train[idx])
        opt.zero_grad()
        loss.backward()
        opt.step()
        total += loss.item() * len(idx)
        hits += (logits.argmax(1) == y_train[idx]).sum().item()
    print(f"epoch {epoch:02d}  loss {total / len(X_train):.4f}  acc {hits / len(X_train):.3f}")

with torch.no_grad():
    test_acc = ((X_test @ W + b).argmax(1) == y_test).float().mean().item()
print(f"score: {test_acc:.4f}")
