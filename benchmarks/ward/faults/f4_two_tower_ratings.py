"""Movie ratings by a two-tower model; only the scoring layer's parameters are given to the optimizer."""
# cause: parameters-not-in-optimizer
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Tower(nn.Module):
    def __init__(self, count, dim):
        super().__init__()
        self.table = nn.Embedding(count, dim)
        self.dense = nn.Linear(dim, dim)

    def forward(self, ids):
        return self.dense(self.table(ids))


class Recommender(nn.Module):
    def __init__(self, users, movies, dim=8):
        super().__init__()
        self.users = Tower(users, dim)
        self.movies = Tower(movies, dim)
        self.score = nn.Sequential(nn.Linear(2 * dim, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, u, m):
        return self.score(torch.cat([self.users(u), self.movies(m)], dim=1)).squeeze(1)


def make_ratings(seed, users=80, movies=60, n=4000):
    rng = np.random.default_rng(seed)
    kindness, quality = rng.normal(0, 0.8, users), rng.normal(0, 1.0, movies)
    u, m = rng.integers(0, users, n), rng.integers(0, movies, n)
    rating = kindness[u] + quality[m] + rng.normal(0, 0.3, n)
    return torch.tensor(u), torch.tensor(m), torch.tensor(rating, dtype=torch.float32)


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    u, m, r = make_ratings(seed)
    train = DataLoader(TensorDataset(u[:3200], m[:3200], r[:3200]), batch_size=64, shuffle=True)

    model = Recommender(80, 60)
    optimizer = torch.optim.Adam(model.score.parameters(), lr=5e-3)  # FAULT
    # TWIN: optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    loss_fn = nn.MSELoss()
    for epoch in range(10):
        model.train()
        for ub, mb, rb in train:
            loss = loss_fn(model(ub, mb), rb)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            test_mse = loss_fn(model(u[3200:], m[3200:]), r[3200:]).item()
        print(f"epoch {epoch}: test mse {test_mse:.4f}")
    print(f"score: {1 - test_mse / r[3200:].var().item():.4f}")


if __name__ == "__main__":
    main()
