"""Starter, main or dessert? Recipes as bags of ingredient numbers, averaged embeddings and two dense layers."""

import sys

import numpy as np
import torch
from torch import nn

VOCABULARY, COURSES = 300, 3


class RecipeBook:
    """Recipes of 4 to 12 ingredients; every course has its own taste in them."""

    def __init__(self, rng):
        self.rng = rng
        taste = np.random.default_rng(21).gamma(0.35, 1.0, (COURSES, VOCABULARY)) + 0.05
        self.taste = taste / taste.sum(axis=1, keepdims=True)

    def sample(self, count):
        courses = self.rng.integers(0, COURSES, count)
        recipes = [self.rng.choice(VOCABULARY, self.rng.integers(4, 13), p=self.taste[c]) for c in courses]
        return recipes, torch.from_numpy(courses)


class CourseNet(nn.Module):
    def __init__(self, dim=32):
        super().__init__()
        self.bag = nn.EmbeddingBag(VOCABULARY, dim, mode="mean")
        self.hidden = nn.Linear(dim, 32)
        self.out = nn.Linear(32, COURSES)

    def forward(self, flat, offsets):
        return self.out(torch.relu(self.hidden(self.bag(flat, offsets))))


def batches(recipes, courses, size, order):
    for rows in np.array_split(order, max(1, len(order) // size)):
        picked = [recipes[i] for i in rows]
        offsets = np.cumsum([0] + [len(r) for r in picked[:-1]])
        yield torch.from_numpy(np.concatenate(picked)), torch.from_numpy(offsets), courses[torch.from_numpy(rows)]


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    book = RecipeBook(rng)
    train, train_courses = book.sample(4000)
    test, test_courses = book.sample(800)

    model = CourseNet()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    loss_fn = nn.CrossEntropyLoss()
    for epoch in range(6):
        model.train()
        total = hits = 0
        for flat, offsets, labels in batches(train, train_courses, 32, rng.permutation(len(train))):
            logits = model(flat, offsets)
            loss = loss_fn(logits, labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
            hits += (logits.argmax(dim=1) == labels).sum().item()
        model.eval()
        with torch.no_grad():
            guesses = torch.cat([model(f, o).argmax(1) for f, o, _ in batches(test, test_courses, 200, np.arange(800))])
        accuracy = (guesses == test_courses).float().mean().item()
        print(f"epoch {epoch + 1} | loss {total / 4000:.4f} | accuracy {hits / 4000:.4f} | test {accuracy:.4f}")
    print(f"score: {accuracy:.4f}")


main()
