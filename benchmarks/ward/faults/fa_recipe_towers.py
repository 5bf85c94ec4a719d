"""A two-tower recommender: how a reader will rate a recipe is the product of the two towers' vectors, plus biases."""
# cause: parameters-not-in-optimizer
# kind: dynamic

import sys

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset, random_split

READERS, RECIPES, DIM, EPOCHS = 150, 200, 8, 20


class Tower(nn.Module):
    """An embedding refined by one layer, and a bias, for every id."""

    def __init__(self, count, dim):
        super().__init__()
        self.embedding = nn.Embedding(count, dim)
        self.refine = nn.Linear(dim, dim)
        self.bias = nn.Embedding(count, 1)
        nn.init.normal_(self.embedding.weight, std=0.1)
        nn.init.zeros_(self.bias.weight)

    def forward(self, ids):
        e = self.embedding(ids)
        return e + self.refine(e), self.bias(ids).squeeze(-1)


def ratings(n):
    """Tastes are four-dimensional; some recipes please everybody."""
    taste, dish = torch.randn(READERS, 4), torch.randn(RECIPES, 4)
    appeal = torch.randn(RECIPES)
    reader, recipe = torch.randint(0, READERS, (n,)), torch.randint(0, RECIPES, (n,))
    stars = 0.45 * (taste[reader] * dish[recipe]).sum(1) + 0.6 * appeal[recipe] + 0.3 * torch.randn(n)
    return reader, recipe, stars - stars.mean()


class Recommender:
    def __init__(self, lr=1e-2, weight_decay=0.0):
        self.readers, self.recipes = Tower(READERS, DIM), Tower(RECIPES, DIM)
        self.optimizer = torch.optim.Adam(
            self.readers.parameters(),  # FAULT
            # TWIN: [*self.readers.parameters(), *self.recipes.parameters()],
            lr=lr,
            weight_decay=weight_decay,
        )
        self.scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(self.optimizer, EPOCHS)

    def predict(self, reader, recipe):
        a, a_bias = self.readers(reader)
        b, b_bias = self.recipes(recipe)
        return (a * b).sum(1) + a_bias + b_bias

    def fit(self, loader, epochs):
        for epoch in range(epochs):
            total = 0.0
            for reader, recipe, stars in loader:
                self.optimizer.zero_grad()
                loss = nn.functional.mse_loss(self.predict(reader, recipe), stars)
                loss.backward()
                self.optimizer.step()
                total += loss.item()
            self.scheduler.step()
            print(f"epoch {epoch:2d} loss {total / len(loader):.4f}")

    @torch.no_grad()
    def r2(self, reader, recipe, stars):
        return 1 - ((self.predict(reader, recipe) - stars).pow(2).mean() / stars.var()).item()


if __name__ == "__main__":
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    train, test = random_split(TensorDataset(*ratings(24000)), [22000, 2000])
    model = Recommender()
    model.fit(DataLoader(train, batch_size=200, shuffle=True), epochs=EPOCHS)
    print(f"score: {model.r2(*test[:]):.4f}")
