"""Routes letters to nine offices by the words in them (EmbeddingBag and a small head). The gradients are cleared at the
top of the epoch."""
# cause: missing-zero-grad
# kind: dynamic

import random
import sys

import torch
from torch import nn


class Office:
    def __init__(self, rnd, words, favourites=14):
        self.favourites = rnd.sample(range(words), favourites)


class Router(nn.Module):
    def __init__(self, words, offices, dim=32):
        super().__init__()
        self.bag = nn.EmbeddingBag(words, dim, mode="mean")
        self.head = nn.Sequential(nn.Linear(dim, 64), nn.ReLU(), nn.Linear(64, offices))

    def forward(self, letters):
        return self.head(self.bag(letters))


def write_letters(n, rnd, offices, words, length=30):
    letters, labels = [], []
    for _ in range(n):
        label = rnd.randrange(len(offices))
        own = offices[label].favourites
        letters.append([rnd.choice(own) if rnd.random() < 0.25 else rnd.randrange(words) for _ in range(length)])
        labels.append(label)
    return torch.tensor(letters), torch.tensor(labels)


def run(seed, words=400, epochs=5, batch=25):
    rnd = random.Random(seed)
    torch.manual_seed(seed)
    offices = [Office(rnd, words) for _ in range(9)]
    x, y = write_letters(4000, rnd, offices, words)
    x_val, y_val = write_letters(500, rnd, offices, words)
    model = Router(words, len(offices))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.9)
    criterion = nn.CrossEntropyLoss()
    history = []
    for _ in range(epochs):
        optimizer.zero_grad()  # FAULT
        order = torch.randperm(len(x))
        for start in range(0, len(x), batch):
            rows = order[start : start + batch]
            # TWIN: optimizer.zero_grad()
            loss = criterion(model(x[rows]), y[rows])
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            out = model(x_val)
            history.append((criterion(out, y_val).item(), (out.argmax(1) == y_val).float().mean().item()))
        print(
            "epoch {}: loss {:.4f} val loss {:.4f} val accuracy {:.4f}".format(len(history), loss.item(), *history[-1])
        )
    return history[-1][1]


if __name__ == "__main__":
    torch.set_num_threads(1)
    print(f"score: {run(int(sys.argv[1]) if len(sys.argv) > 1 else 0):.4f}")
