"""Implicit-feedback recommender trained with Bayesian personalised ranking: pairs of a bought and a random other item,
dot products of user and item vectors, L2 on the vectors that were used. Score: held-out AUC.
"""

import argparse

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
USERS, ITEMS, FACTORS = 250, 150, 8


class BPR(nn.Module):
    def __init__(self):
        super().__init__()
        self.user = nn.Embedding(USERS, FACTORS)
        self.item = nn.Embedding(ITEMS, FACTORS)
        self.bias = nn.Embedding(ITEMS, 1)
        nn.init.normal_(self.user.weight, std=0.1)
        nn.init.normal_(self.item.weight, std=0.1)
        nn.init.zeros_(self.bias.weight)

    def forward(self, u, i):
        return (self.user(u) * self.item(i)).sum(1) + self.bias(i).squeeze(1)

    def penalty(self, u, i, j):
        return (self.user(u) ** 2).sum(1).mean() + (self.item(i) ** 2).sum(1).mean() + (self.item(j) ** 2).sum(1).mean()


def purchases(rng):
    taste, kind = rng.normal(size=(USERS, 3)), rng.normal(size=(ITEMS, 3))
    popularity = rng.normal(0, 0.7, ITEMS)
    affinity = 1.6 * taste @ kind.T + popularity + rng.gumbel(size=(USERS, ITEMS))
    top = np.argsort(-affinity, axis=1)[:, :24]
    order = rng.permuted(top, axis=1)
    return order[:, :20], order[:, 20:]


def auc(model, bought, held_out):
    scores = model.item.weight @ model.user.weight.T + model.bias.weight
    scores = scores.T.detach().numpy()
    values = []
    for u in range(USERS):
        others = np.setdiff1d(np.arange(ITEMS), np.concatenate([bought[u], held_out[u]]))
        values.append((scores[u, held_out[u]][:, None] > scores[u, others][None]).mean())
    return float(np.mean(values))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", nargs="?", type=int, default=0)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)
    bought, held_out = purchases(rng)
    owned = np.zeros((USERS, ITEMS), dtype=bool)
    owned[np.arange(USERS)[:, None], bought] = True
    owned = torch.tensor(owned)
    users = torch.arange(USERS).repeat_interleave(20)
    items = torch.tensor(bought).flatten()

    model = BPR()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for epoch in range(12):
        losses = []
        for idx in torch.randperm(len(users)).split(100):
            u, i = users[idx], items[idx]
            j = torch.randint(0, ITEMS, (len(idx),))
            fine = ~owned[u, j]
            u, i, j = u[fine], i[fine], j[fine]
            loss = -F.logsigmoid(model(u, i) - model(u, j)).mean() + 0.02 * model.penalty(u, i, j)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        if epoch % 2 == 1:
            print(f"epoch {epoch + 1:2d} bpr {np.mean(losses):.4f} held-out auc {auc(model, bought, held_out):.4f}")
    print(f"score: {auc(model, bought, held_out):.4f}")


if __name__ == "__main__":
    main()
