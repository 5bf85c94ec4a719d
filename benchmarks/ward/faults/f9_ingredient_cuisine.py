"""Which of eight cuisines a recipe belongs to, from its list of ingredients. Every ingredient has a vector, a recipe is
the mean of them. The recipe vectors are kept for a search index as they are made."""
# cause: detached-graph
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

VOCABULARY, CUISINES = 400, 8


class Recipes(nn.Module):
    def __init__(self, dim=8):
        super().__init__()
        self.ingredients = nn.Embedding(VOCABULARY, dim)
        self.mix = nn.Linear(dim, dim)
        self.classify = nn.Sequential(nn.Linear(dim, 32), nn.ReLU(), nn.Linear(32, CUISINES))
        self.index = None

    def forward(self, recipe):
        vectors = torch.tanh(self.mix(self.ingredients(recipe).mean(dim=1) * 3))
        self.index = vectors.detach().numpy()
        return self.classify(torch.from_numpy(self.index))  # FAULT
        # TWIN: return self.classify(vectors)


def cookbook(n, rng, tastes):
    cuisine = rng.integers(0, CUISINES, n)
    lists = np.stack([rng.choice(VOCABULARY, 12, p=tastes[c]) for c in cuisine])
    return torch.from_numpy(lists), torch.from_numpy(cuisine)


def evaluate(model, recipes, cuisine):
    model.eval()
    with torch.no_grad():
        logits = model(recipes)
    model.train()
    return (logits.argmax(1) == cuisine).float().mean().item()


def run(seed):
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    tastes = rng.dirichlet(np.full(VOCABULARY, 0.5), CUISINES)
    train_set = TensorDataset(*cookbook(3000, rng, tastes))
    held_out = cookbook(600, rng, tastes)
    model = Recipes()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(10):
        for recipe, cuisine in DataLoader(train_set, batch_size=100, shuffle=True):
            loss = criterion(model(recipe), cuisine)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch + 1} loss {loss.item():.4f} held out {evaluate(model, *held_out):.4f}")
    return evaluate(model, *held_out)


if __name__ == "__main__":
    torch.set_num_threads(1)
    print(f"score: {run(int(sys.argv[1]) if len(sys.argv) > 1 else 0):.4f}")
