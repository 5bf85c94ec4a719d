"""Poincare embeddings of a tree (Nickel and Kiela 2017): Riemannian SGD in the unit disk, sampled softmax over
distances.

The score is the mean average precision with which every node's parent and children are its nearest points.
"""

import sys

import torch

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

BRANCHING, DEPTH, DIM, EPS = 3, 4, 5, 1e-5
parents, level = [-1], [0]
for _ in range(DEPTH - 1):
    level_next = []
    for node in level:
        for _ in range(BRANCHING):
            level_next.append(len(parents))
            parents.append(node)
    level = level_next
n = len(parents)
adjacency = torch.zeros(n, n, dtype=torch.bool)
for child, parent in enumerate(parents):
    if parent >= 0:
        adjacency[child, parent] = adjacency[parent, child] = True
edges = adjacency.nonzero()
print(f"{n} nodes, {len(edges)} directed edges")


def distance(u, v):
    gap = (u - v).square().sum(-1)
    room = (1 - u.square().sum(-1)) * (1 - v.square().sum(-1))
    return torch.acosh(1 + 2 * gap / room + 1e-7)


class RiemannianSGD(torch.optim.Optimizer):
    def __init__(self, params, lr):
        super().__init__(params, {"lr": lr})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                metric = ((1 - p.square().sum(-1, keepdim=True)) ** 2) / 4
                p.add_(metric * p.grad, alpha=-group["lr"])
                norm = p.norm(dim=-1, keepdim=True)
                p.mul_(torch.where(norm > 1 - EPS, (1 - EPS) / norm, torch.ones_like(norm)))


def mean_average_precision(points):
    d = distance(points[:, None], points[None])
    d.fill_diagonal_(float("inf"))
    precision = []
    for i in range(n):
        hit = adjacency[i][d[i].argsort()]
        precision.append((hit.cumsum(0)[hit] / (hit.nonzero()[:, 0] + 1)).mean())
    return torch.stack(precision).mean().item()


points = torch.nn.Parameter(1e-2 * torch.randn(n, DIM))
optimizer = RiemannianSGD([points], lr=0.03)
print(f"before: MAP {mean_average_precision(points.detach()):.4f}")
for epoch in range(150):
    optimizer.param_groups[0]["lr"] = 0.03 if epoch < 10 else 0.3  # burn-in
    total = 0.0
    for batch in edges[torch.randperm(len(edges))].split(26):
        u, v = batch.T
        others = torch.rand(len(u), n).masked_fill(adjacency[u], -1)
        others[torch.arange(len(u)), u] = -1
        negatives = others.topk(15, dim=1).indices
        candidates = torch.cat([v[:, None], negatives], dim=1)
        logits = -distance(points[u][:, None], points[candidates])
        loss = -logits.log_softmax(1)[:, 0].sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    if epoch % 30 == 29:
        print(f"epoch {epoch + 1}: loss per edge {total / len(edges):.4f}")
print(f"score: {mean_average_precision(points.detach()):.4f}")
