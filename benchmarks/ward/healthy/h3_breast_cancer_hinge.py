"""Linear support vector machine on the breast cancer table: squared hinge loss written by hand, labels -1/+1, an
explicit L2 penalty on the weights, and Adagrad.
"""

import sys

import numpy as np
import torch
from sklearn.datasets import load_breast_cancer

torch.set_num_threads(1)
SEED = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(SEED)

features, labels = load_breast_cancer(return_X_y=True)
order = np.random.RandomState(SEED).permutation(len(features))
features, labels = features[order], 2 * labels[order] - 1
split = 400
mu, sigma = features[:split].mean(0), features[:split].std(0)
features = torch.from_numpy((features - mu) / sigma).float()
labels = torch.from_numpy(labels).float()
x, y, x_test, y_test = features[:split], labels[:split], features[split:], labels[split:]

w = torch.zeros(30, requires_grad=True)
b = torch.zeros(1, requires_grad=True)
optimizer = torch.optim.Adagrad([w, b], lr=0.1)
C = 0.01

for epoch in range(1, 61):
    losses = []
    for batch in torch.randperm(split).split(40):
        margin = y[batch] * (x[batch] @ w + b)
        hinge = torch.clamp(1 - margin, min=0).square().mean()
        loss = hinge + C * w.square().sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    if epoch % 12 == 0:
        print(f"epoch {epoch} objective {np.mean(losses):.4f} |w| {w.norm().item():.3f}")

with torch.no_grad():
    decision = x_test @ w + b
    accuracy = (decision.sign() == y_test).float().mean().item()
print(f"score: {accuracy:.4f}")
