"""Embed a taxonomy (a tree of 121 names) in the Poincare ball (3-d) with hand-written Riemannian SGD.

For each (child, ancestor) pair the ancestor must be nearer than random non-ancestors. Score: mean average precision of
finding the ancestors of each node by distance (the representation itself is the result).
"""

import sys

import torch

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
EDGE = 1 - 1e-4

# complete ternary tree of depth 4 and its transitive closure
parent = {i: (i - 1) // 3 for i in range(1, 121)}
pairs = []
related = torch.eye(121, dtype=torch.bool)
for node in parent:
    up = parent.get(node)
    while up is not None:
        pairs.append((node, up))
        related[node, up] = True
        up = parent.get(up)
pairs = torch.tensor(pairs)
allowed = (~related).float()


def distance(u, v):
    gap = (u - v).square().sum(-1)
    slack = (1 - u.square().sum(-1)) * (1 - v.square().sum(-1))
    return torch.acosh(1 + 2 * gap / slack + 1e-7)


def mean_average_precision(points):
    precisions = []
    for node in parent:
        d = distance(points[node], points)
        order = d.argsort()
        order = order[order != node]
        hit = related[node][order].float()
        precision = hit.cumsum(0) / torch.arange(1, len(hit) + 1)
        precisions.append((precision * hit).sum() / hit.sum())
    return torch.stack(precisions).mean().item()


points = ((torch.rand(121, 3, dtype=torch.float64) - 0.5) * 0.02).requires_grad_(True)
print(f"before training: mean average precision {mean_average_precision(points.detach()):.4f}")

for epoch in range(120):
    rate = 0.03 if epoch < 10 else 0.4 * (1 - epoch / 120)
    total = 0.0
    for rows in torch.randperm(len(pairs)).split(50):
        child, ancestor = pairs[rows].unbind(1)
        others = torch.multinomial(allowed[child], 10, replacement=True)
        candidates = torch.cat([ancestor[:, None], others], dim=1)
        d = distance(points[child][:, None], points[candidates])
        loss = (d[:, 0] + torch.logsumexp(-d, dim=1)).sum()
        loss.backward()
        with torch.no_grad():
            metric = ((1 - points.square().sum(1, keepdim=True)) ** 2) / 4
            points -= rate * metric * points.grad
            radius = points.norm(dim=1, keepdim=True)
            points.copy_(torch.where(radius > EDGE, points / radius * EDGE, points))
        points.grad = None
        total += loss.item()
    if epoch % 20 == 19:
        print(f"epoch {epoch + 1}: loss per pair {total / len(pairs):.4f}")

print(f"score: {mean_average_precision(points.detach()):.4f}")
