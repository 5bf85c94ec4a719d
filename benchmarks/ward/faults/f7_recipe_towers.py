"""Whether a cook likes a recipe, by two towers. For speed the towers' outputs were taken through .data, so only the
bias and the scale of the match learn."""
# cause: detached-graph
# kind: dynamic

import sys

import torch
from torch import nn

COOKS, RECIPES, DIM = 120, 150, 12


class Tower(nn.Module):
    def __init__(self, count):
        super().__init__()
        self.embedding = nn.Embedding(count, 24)
        self.project = nn.Sequential(nn.Linear(24, 32), nn.ReLU(), nn.Linear(32, DIM))

    def forward(self, ids):
        return self.project(self.embedding(ids))


class TwoTowers(nn.Module):
    def __init__(self):
        super().__init__()
        self.cook = Tower(COOKS)
        self.recipe = Tower(RECIPES)
        self.scale = nn.Parameter(torch.tensor(1.0))
        self.bias = nn.Parameter(torch.tensor(0.0))

    def forward(self, cooks, recipes):
        a, b = self.cook(cooks), self.recipe(recipes)
        a, b = a.data, b.data  # FAULT
        return self.scale * (a * b).sum(dim=1) + self.bias


def likes(gen):
    taste = torch.randn(COOKS, 4, generator=gen)
    flavour = torch.randn(RECIPES, 4, generator=gen)
    cooks = torch.randint(COOKS, (9000,), generator=gen)
    recipes = torch.randint(RECIPES, (9000,), generator=gen)
    margin = (taste[cooks] * flavour[recipes]).sum(1) + 0.5 * torch.randn(9000, generator=gen)
    return cooks, recipes, (margin > 0).float()


def auc(scores, labels):
    order = scores.argsort()
    ranks = torch.empty(len(scores))
    ranks[order] = torch.arange(1.0, len(scores) + 1)
    pos = labels.sum()
    return ((ranks[labels > 0].sum() - pos * (pos + 1) / 2) / (pos * (len(labels) - pos))).item()


if __name__ == "__main__":
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    cooks, recipes, liked = likes(torch.Generator().manual_seed(seed))
    train, test = slice(0, 7500), slice(7500, None)
    model = TwoTowers()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    bce = nn.BCEWithLogitsLoss()
    for epoch in range(12):
        model.train()
        total = 0.0
        for idx in torch.randperm(7500).split(100):
            loss = bce(model(cooks[train][idx], recipes[train][idx]), liked[train][idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        model.eval()
        with torch.no_grad():
            score = auc(model(cooks[test], recipes[test]), liked[test])
        print(f"epoch {epoch + 1}: bce {total / 75:.4f}, auc {score:.4f}")
    print(f"score: {score:.4f}")
