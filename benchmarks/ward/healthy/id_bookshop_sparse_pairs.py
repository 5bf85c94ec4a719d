"""Next title after a book bought, 500 titles: sparse embeddings with SparseAdam, the dense part with plain SGD."""

import argparse

import numpy as np
import torch
from torch import nn

TITLES, SHELVES, WIDTH = 500, 20, 24


def purchases(rng, n):
    """Buyers stay on a shelf or go to the next one; within a shelf some titles are favourites."""
    first = rng.integers(0, TITLES, n)
    shelf = (first % SHELVES + (rng.random(n) < 0.25)) % SHELVES
    rank = np.minimum(rng.geometric(0.25, n) - 1, TITLES // SHELVES - 1)
    return torch.from_numpy(first), torch.from_numpy(rank * SHELVES + shelf)


class NextTitle(nn.Module):
    def __init__(self):
        super().__init__()
        self.bought = nn.Embedding(TITLES, WIDTH, sparse=True)
        self.mix = nn.Sequential(nn.Linear(WIDTH, 48), nn.ReLU(), nn.Linear(48, TITLES))

    def forward(self, first):
        return self.mix(self.bought(first))


def hits_at(model, first, following, k):
    with torch.no_grad():
        best = model(first).topk(k, dim=1).indices
    return (best == following[:, None]).any(1).float().mean().item()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", type=int, nargs="?", default=0)
    seed = parser.parse_args().seed
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    first, following = purchases(rng, 40000)
    test_first, test_following = purchases(rng, 3000)
    model = NextTitle()
    sparse = torch.optim.SparseAdam(model.bought.parameters(), lr=1e-2)
    dense = torch.optim.SGD(model.mix.parameters(), lr=0.2, momentum=0.9)
    schedulers = [torch.optim.lr_scheduler.CosineAnnealingLR(o, 8) for o in (sparse, dense)]
    criterion = nn.CrossEntropyLoss()
    for epoch in range(8):
        total = 0.0
        for rows in np.array_split(rng.permutation(len(first)), 200):
            loss = criterion(model(first[rows]), following[rows])
            sparse.zero_grad()
            dense.zero_grad()
            loss.backward()
            sparse.step()
            dense.step()
            total += loss.item() / 200
        for scheduler in schedulers:
            scheduler.step()
        print(f"epoch {epoch + 1}: loss {total:.3f}, hits@10 {hits_at(model, test_first, test_following, 10):.3f}")
    print(f"score: {hits_at(model, test_first, test_following, 10):.4f}")


if __name__ == "__main__":
    main()
