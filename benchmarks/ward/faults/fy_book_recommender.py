"""Matrix factorisation of book ratings (1 to 5) on user-book pairs. The factors start such that
the first predictions equal the mean rating, which saves the bias terms.
"""
# cause: symmetric-initialization
# kind: dynamic

import argparse

import numpy as np
import torch
import torch.nn as nn

N_USERS, N_BOOKS = 300, 200


def read_ratings(rng, per_user=50, rank=4):
    u = rng.normal(size=(N_USERS, rank))
    b = rng.normal(size=(N_BOOKS, rank))
    rows = []
    for user in range(N_USERS):
        for book in rng.choice(N_BOOKS, per_user, replace=False):
            r = 3.3 + 0.55 * u[user] @ b[book] + 0.2 * rng.normal()
            rows.append((user, book, min(5.0, max(1.0, r))))
    rng.shuffle(rows)
    table = np.array(rows)
    return torch.tensor(table[:, :2], dtype=torch.long), torch.tensor(table[:, 2], dtype=torch.float32)


class Factors(nn.Module):
    def __init__(self, n_users, n_books, mean_rating, k=8):
        super().__init__()
        self.users = nn.Embedding(n_users, k)
        self.books = nn.Embedding(n_books, k)
        start = (mean_rating / k) ** 0.5
        nn.init.constant_(self.users.weight, start)  # FAULT
        nn.init.constant_(self.books.weight, start)  # FAULT
        # TWIN: nn.init.normal_(self.users.weight, mean=start, std=0.1)
        # TWIN: nn.init.normal_(self.books.weight, mean=start, std=0.1)

    def forward(self, pairs):
        return (self.users(pairs[:, 0]) * self.books(pairs[:, 1])).sum(dim=1)


def r_squared(model, pairs, ratings):
    with torch.no_grad():
        err = (model(pairs) - ratings).pow(2).sum()
    return (1 - err / (ratings - ratings.mean()).pow(2).sum()).item()


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    pairs, ratings = read_ratings(np.random.default_rng(seed))
    cut = int(0.85 * len(ratings))
    tr_pairs, tr_ratings, te_pairs, te_ratings = pairs[:cut], ratings[:cut], pairs[cut:], ratings[cut:]

    model = Factors(N_USERS, N_BOOKS, tr_ratings.mean().item())
    opt = torch.optim.Adam(model.parameters(), lr=0.01, weight_decay=1e-5)
    huber = nn.SmoothL1Loss()
    for epoch in range(1, 26):
        perm = torch.randperm(cut)
        total = 0.0
        for idx in perm.split(256):
            loss = huber(model(tr_pairs[idx]), tr_ratings[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item() * len(idx)
        if epoch % 5 == 0:
            print(
                f"epoch {epoch:2d}: train {total / cut:.4f}, held-out R2 {r_squared(model, te_pairs, te_ratings):.4f}"
            )
    print(f"score: {r_squared(model, te_pairs, te_ratings):.4f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", type=int, nargs="?", default=0)
    main(parser.parse_args().seed)
