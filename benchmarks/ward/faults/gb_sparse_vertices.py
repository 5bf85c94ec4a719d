"""Conditional gradient (Frank-Wolfe) for the constrained lasso: min |Xw - y|^2 with |w|_1 <= r. Each
iteration moves towards the vertex of the l1 ball that minimises the linearised loss; no projection, no step
size to tune (exact line search)."""
# cause: summed-loss
# kind: dynamic

import sys

import torch

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
gen = torch.Generator().manual_seed(seed)

n, d, active = 300, 200, 8
X = torch.randn(n + 300, d, generator=gen)
w_true = torch.zeros(d)
support = torch.randperm(d, generator=gen)[:active]
w_true[support] = torch.empty(active).uniform_(0.5, 2.0, generator=gen) * torch.randn(active, generator=gen).sign()
y = X @ w_true + 0.3 * torch.randn(n + 300, generator=gen)
X_train, y_train, X_test, y_test = X[:n], y[:n], X[n:], y[n:]

radius = w_true.abs().sum().item()
w = torch.zeros(d, requires_grad=True)

for it in range(400):
    objective = 0.5 * (X_train @ w - y_train).square().sum()  # FAULT
    # TWIN: objective = 0.5 * (X_train @ w - y_train).square().mean()
    (grad,) = torch.autograd.grad(objective, w)
    with torch.no_grad():
        j = grad.abs().argmax()
        vertex = torch.zeros(d)
        vertex[j] = -radius * grad[j].sign()
        direction = vertex - w
        gap = -(grad @ direction)
        curvature = (X_train @ direction).square().mean()
        w += (gap / curvature).clamp(0.0, 1.0) * direction
    if it % 50 == 0 or it == 399:
        nonzero = int((w.abs() > 1e-3).sum())
        print(f"iter {it:3d}  objective {objective.item():.4f}  duality gap {gap.item():.4f}  nonzeros {nonzero}")

with torch.no_grad():
    residual = y_test - X_test @ w
    r2 = 1 - residual.square().sum() / (y_test - y_test.mean()).square().sum()
    found = set(w.abs().topk(active).indices.tolist()) & set(support.tolist())
print(f"recovered {len(found)} of {active} true coefficients")
print(f"score: {r2.item():.4f}")
