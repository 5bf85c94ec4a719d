"""Poincare embeddings of a random tree: distances in the hyperbolic disc, Riemannian SGD written as an Optimizer
(gradient rescaled by the inverse metric, points pulled back inside the ball), negatives sampled per edge.
The score is the mean average precision of recovering each node's neighbours from the distances."""

import argparse

import torch
import torch.nn.functional as F

EPS = 1e-5


class RiemannianSGD(torch.optim.Optimizer):
    def __init__(self, params, lr):
        super().__init__(params, {"lr": lr})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                scale = (1 - p.pow(2).sum(-1, keepdim=True)) ** 2 / 4
                p.sub_(group["lr"] * scale * p.grad)
                norm = p.norm(dim=-1, keepdim=True)
                p.copy_(torch.where(norm >= 1 - EPS, p / norm * (1 - EPS), p))


def poincare_distance(u, v):
    gap = (u - v).pow(2).sum(-1)
    alpha = (1 - u.pow(2).sum(-1)) * (1 - v.pow(2).sum(-1))
    return torch.acosh(1 + 2 * gap / alpha + 1e-7)


def random_tree(n):
    parents, children = [], [0] * n
    for node in range(1, n):
        candidates = [i for i in range(node) if children[i] < 3]
        parent = candidates[torch.randint(0, min(8, len(candidates)), (1,)).item()]
        children[parent] += 1
        parents.append((parent, node))
    return torch.tensor(parents)


def mean_average_precision(emb, edges, n):
    d = poincare_distance(emb[:, None], emb[None])
    d.fill_diagonal_(float("inf"))
    adjacency = torch.zeros(n, n, dtype=torch.bool)
    adjacency[edges[:, 0], edges[:, 1]] = adjacency[edges[:, 1], edges[:, 0]] = True
    ranked = adjacency.gather(1, d.argsort(1)).float()
    precision = ranked.cumsum(1) / torch.arange(1, n + 1)
    return ((precision * ranked).sum(1) / ranked.sum(1)).mean().item()


parser = argparse.ArgumentParser()
parser.add_argument("seed", nargs="?", type=int, default=0)
parser.add_argument("--nodes", type=int, default=150)
parser.add_argument("--dim", type=int, default=5)
args = parser.parse_args()
torch.set_num_threads(1)
torch.manual_seed(args.seed)

edges = random_tree(args.nodes)
pairs = torch.cat([edges, edges.flip(1)])
is_edge = torch.eye(args.nodes, dtype=torch.bool)
is_edge[pairs[:, 0], pairs[:, 1]] = True
points = torch.nn.Parameter(1e-3 * (2 * torch.rand(args.nodes, args.dim, dtype=torch.float64) - 1))
optimizer = RiemannianSGD([points], lr=0.4)
print(f"MAP before training {mean_average_precision(points.detach(), edges, args.nodes):.3f}")

for epoch in range(120):
    optimizer.param_groups[0]["lr"] = 0.04 if epoch < 10 else 0.4
    losses = []
    for batch in pairs[torch.randperm(len(pairs))].split(60):
        u, v = batch.unbind(1)
        negatives = torch.randint(0, args.nodes, (len(batch), 15))
        distances = poincare_distance(points[u][:, None], points[torch.cat([v[:, None], negatives], 1)])
        invalid = torch.cat([torch.zeros(len(batch), 1, dtype=torch.bool), is_edge[u[:, None], negatives]], 1)
        logits = (-distances).masked_fill(invalid, float("-inf"))
        loss = F.cross_entropy(logits, torch.zeros(len(batch), dtype=torch.long), reduction="sum")
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item() / len(batch))
    if epoch % 20 == 19:
        quality = mean_average_precision(points.detach(), edges, args.nodes)
        print(f"epoch {epoch + 1}: loss {sum(losses) / len(losses):.4f}  MAP {quality:.3f}")
print(f"score: {quality:.4f}")
