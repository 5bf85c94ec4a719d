"""Cuisine of a dish from the ingredients in it: the mean of their embeddings and a linear layer."""

import random
import sys

import torch
from torch import nn
from torch.utils.data import DataLoader

CUISINES, WORDS = 6, 300


def collate(dishes):
    offsets = torch.tensor([0] + [len(words) for words, _ in dishes[:-1]]).cumsum(0)
    words = torch.cat([torch.tensor(words) for words, _ in dishes])
    return words, offsets, torch.tensor([cuisine for _, cuisine in dishes])


def cook(n, rng):
    """Dishes of 4 to 12 ingredients; each cuisine has forty favourites, and some of them are shared."""
    favourites = [random.Random(100 + c).sample(range(WORDS), 40) for c in range(CUISINES)]
    dishes = []
    for _ in range(n):
        cuisine = rng.randrange(CUISINES)
        words = [
            rng.choice(favourites[cuisine]) if rng.random() < 0.5 else rng.randrange(WORDS)
            for _ in range(rng.randint(4, 12))
        ]
        dishes.append((words, cuisine))
    return dishes


class CuisineClassifier(nn.Module):
    def __init__(self, dim=24):
        super().__init__()
        self.embedding = nn.EmbeddingBag(WORDS, dim, mode="mean")
        self.drop = nn.Dropout(0.3)
        self.fc = nn.Linear(dim, CUISINES)

    def forward(self, words, offsets):
        return self.fc(self.drop(self.embedding(words, offsets)))


def evaluate(model, loader):
    model.eval()
    correct = count = 0
    with torch.no_grad():
        for words, offsets, cuisine in loader:
            correct += (model(words, offsets).argmax(1) == cuisine).sum().item()
            count += len(cuisine)
    return correct / count


if __name__ == "__main__":
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = random.Random(seed)
    train_loader = DataLoader(cook(6000, rng), batch_size=64, shuffle=True, collate_fn=collate)
    test_loader = DataLoader(cook(1000, rng), batch_size=250, collate_fn=collate)
    model = CuisineClassifier()
    loss_fn = nn.CrossEntropyLoss()
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3, weight_decay=0.01)
    for epoch in range(10):
        model.train()
        running = 0.0
        for words, offsets, cuisine in train_loader:
            optimizer.zero_grad()
            loss = loss_fn(model(words, offsets), cuisine)
            loss.backward()
            optimizer.step()
            running += loss.item()
        accuracy = evaluate(model, test_loader)
        print(f"| epoch {epoch + 1:2d} | loss {running / len(train_loader):.3f} | test accuracy {accuracy:.3f}")
    print(f"score: {accuracy:.4f}")
