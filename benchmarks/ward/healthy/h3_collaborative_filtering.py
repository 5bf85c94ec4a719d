"""Matrix factorisation with user and item biases on made-up ratings (1-5 stars, a fifth of the table observed). The
score is the share of the held-out ratings' variance explained.
"""

import sys

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)


class BiasedMF(nn.Module):
    def __init__(self, n_users, n_items, rank, mean):
        super().__init__()
        self.user = nn.Embedding(n_users, rank)
        self.item = nn.Embedding(n_items, rank)
        self.user_bias = nn.Embedding(n_users, 1)
        self.item_bias = nn.Embedding(n_items, 1)
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32))
        for table in (self.user, self.item):
            nn.init.normal_(table.weight, std=0.1)
        for table in (self.user_bias, self.item_bias):
            nn.init.zeros_(table.weight)

    def forward(self, u, i):
        dot = (self.user(u) * self.item(i)).sum(dim=1)
        return self.mean + self.user_bias(u).squeeze(1) + self.item_bias(i).squeeze(1) + dot


def ratings(rng, n_users=200, n_items=150, rank=2):
    taste = rng.normal(size=(n_users, rank)) @ rng.normal(size=(rank, n_items)) * 0.35
    stars = 3.2 + rng.normal(0, 0.5, (n_users, 1)) + rng.normal(0, 0.6, (1, n_items)) + taste
    stars = np.clip(np.round(2 * (stars + rng.normal(0, 0.15, stars.shape))) / 2, 1, 5)
    users, items = np.nonzero(rng.random(stars.shape) < 0.2)
    order = rng.permutation(len(users))
    users, items = users[order], items[order]
    return torch.tensor(users), torch.tensor(items), torch.tensor(stars[users, items], dtype=torch.float32)


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    users, items, stars = ratings(np.random.default_rng(seed))
    cut = int(0.85 * len(users))
    loader = DataLoader(TensorDataset(users[:cut], items[:cut], stars[:cut]), batch_size=128, shuffle=True)
    model = BiasedMF(200, 150, rank=3, mean=stars[:cut].mean().item())
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01, weight_decay=1e-4)
    loss_fn = nn.MSELoss()
    for epoch in range(25):
        model.train()
        sum_loss = 0.0
        for u, i, s in loader:
            optimizer.zero_grad()
            loss = loss_fn(model(u, i), s)
            loss.backward()
            optimizer.step()
            sum_loss += loss.item()
        model.eval()
        with torch.no_grad():
            test_mse = loss_fn(model(users[cut:], items[cut:]), stars[cut:]).item()
        if epoch % 5 == 4:
            print(f"epoch {epoch + 1}: train rmse {(sum_loss / len(loader)) ** 0.5:.4f}, test rmse {test_mse**0.5:.4f}")
    print(f"score: {1 - test_mse / stars[cut:].var(unbiased=False).item():.4f}")


main()
