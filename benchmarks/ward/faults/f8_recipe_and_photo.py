"""Two towers, one for recipes and one for photographs, brought together by a contrastive loss with the sharp
temperature that a search had come to. The loss is written out."""
# cause: overflow
# accept: unstable-loss
# kind: dynamic

import sys

import torch
import torch.nn.functional as F
from torch import nn

TEMPERATURE = 0.006
SHARED, RECIPE, PHOTO = 12, 30, 40


def pairs(n, mix):
    dish = torch.randn(n, SHARED)
    recipe = torch.tanh(dish @ mix[0]) + 0.1 * torch.randn(n, RECIPE)
    photo = torch.tanh(dish @ mix[1]) + 0.1 * torch.randn(n, PHOTO)
    return recipe / 0.7, photo / 0.7


class Tower(nn.Module):
    def __init__(self, inputs, dim=24):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(inputs, 64), nn.GELU(), nn.Linear(64, dim))

    def forward(self, x):
        return F.normalize(self.net(x), dim=1)


def contrastive(a, b):
    sim = a @ b.T / TEMPERATURE
    e = sim.exp()  # FAULT
    rows = -(e.diagonal() / e.sum(1)).log()  # FAULT
    columns = -(e.diagonal() / e.sum(0)).log()  # FAULT
    # TWIN: rows = sim.logsumexp(1) - sim.diagonal()
    # TWIN: columns = sim.logsumexp(0) - sim.diagonal()
    return (rows + columns).mean() / 2


def recall(recipes, photos, a, b):
    with torch.no_grad():
        sim = recipes(a) @ photos(b).T
    best = sim.topk(1, dim=1).indices
    return (best == torch.arange(len(a))[:, None]).any(1).float().mean().item()


def main():
    torch.set_num_threads(1)
    torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    mix = torch.randn(SHARED, RECIPE) * 0.4, torch.randn(SHARED, PHOTO) * 0.4
    recipe, photo = pairs(2000, mix)
    recipe_test, photo_test = pairs(200, mix)
    recipes, photos = Tower(RECIPE), Tower(PHOTO)
    optimizer = torch.optim.Adam([*recipes.parameters(), *photos.parameters()], lr=1e-3)
    for epoch in range(20):
        total, steps = 0.0, 0
        for rows in torch.randperm(len(recipe)).split(64):
            loss = contrastive(recipes(recipe[rows]), photos(photo[rows]))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total, steps = total + loss.item(), steps + 1
        found = recall(recipes, photos, recipe_test, photo_test)
        print(f"epoch {epoch} loss {total / steps:.4f} recall@1 {found:.4f}")
    print(f"score: {found:.4f}")


main()
