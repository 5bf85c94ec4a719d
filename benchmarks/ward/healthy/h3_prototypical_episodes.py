"""Prototypical networks: the training works in episodes of 5 ways and 3 shots drawn from the ten digits, the test in
episodes of all 10 ways and 5 shots drawn from images that the training never sees.
"""

import sys

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

torch.set_num_threads(1)


def episode(rng, by_class, ways, shots, queries):
    chosen = rng.choice(10, ways, replace=False)
    support, query = [], []
    for c in chosen:
        picks = rng.choice(len(by_class[c]), shots + queries, replace=False)
        support.append(by_class[c][picks[:shots]])
        query.append(by_class[c][picks[shots:]])
    labels = torch.arange(ways).repeat_interleave(queries)
    return torch.stack(support), torch.cat(query), labels


def episode_logits(net, support, query):
    ways, shots = support.shape[:2]
    prototypes = net(support.flatten(0, 1)).view(ways, shots, -1).mean(dim=1)
    return -torch.cdist(net(query), prototypes).pow(2)


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    data, target = load_digits(return_X_y=True)
    pixels = torch.tensor(data / 16, dtype=torch.float32).view(-1, 1, 8, 8)
    held_out = rng.permutation(len(pixels)) < 500
    train = {c: pixels[(target == c) & ~held_out] for c in range(10)}
    test = {c: pixels[(target == c) & held_out] for c in range(10)}
    net = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(512, 24),
    )
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    loss_fn = nn.CrossEntropyLoss()
    history = []
    for step in range(1, 301):
        support, query, labels = episode(rng, train, ways=5, shots=3, queries=8)
        loss = loss_fn(episode_logits(net, support, query), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        history.append(loss.item())
        if step % 50 == 0:
            print(f"episode {step}: loss {np.mean(history[-50:]):.4f}")

    net.eval()
    hits = []
    with torch.no_grad():
        for _ in range(100):
            support, query, labels = episode(rng, test, ways=10, shots=5, queries=10)
            hits.append((episode_logits(net, support, query).argmax(1) == labels).float().mean().item())
    print(f"score: {np.mean(hits):.4f}")


main()
