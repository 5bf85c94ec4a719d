"""Matrix factorization with user and item biases on star ratings, the classic recommender of the
Netflix-prize time, as a PyTorch module.
"""
# cause: over-regularization
# kind: dynamic

import sys

import torch
from torch import nn

N_USERS, N_ITEMS, RANK = 400, 250, 8


def simulate_ratings(seed, density=0.3):
    g = torch.Generator().manual_seed(seed)
    taste = torch.randn(N_USERS, 4, generator=g)
    trait = torch.randn(N_ITEMS, 4, generator=g)
    user_mood = 0.3 * torch.randn(N_USERS, 1, generator=g)
    item_fame = 0.4 * torch.randn(1, N_ITEMS, generator=g)
    stars = 3.3 + user_mood + item_fame + 0.5 * taste @ trait.T + 0.3 * torch.randn(N_USERS, N_ITEMS, generator=g)
    stars = (stars * 2).round().div(2).clamp(0.5, 5.0)
    user, item = (torch.rand(N_USERS, N_ITEMS, generator=g) < density).nonzero(as_tuple=True)
    order = torch.randperm(len(user), generator=g)
    user, item = user[order], item[order]
    return user, item, stars[user, item]


class BiasedMF(nn.Module):
    def __init__(self, mean):
        super().__init__()
        self.register_buffer("mean", mean)
        self.p = nn.Embedding(N_USERS, RANK)
        self.q = nn.Embedding(N_ITEMS, RANK)
        self.bu = nn.Embedding(N_USERS, 1)
        self.bi = nn.Embedding(N_ITEMS, 1)
        nn.init.normal_(self.p.weight, std=0.1)
        nn.init.normal_(self.q.weight, std=0.1)
        nn.init.zeros_(self.bu.weight)
        nn.init.zeros_(self.bi.weight)

    def forward(self, user, item):
        dot = (self.p(user) * self.q(item)).sum(-1)
        return self.mean + dot + self.bu(user).squeeze(-1) + self.bi(item).squeeze(-1)


def rmse(model, user, item, stars):
    with torch.no_grad():
        return (model(user, item) - stars).pow(2).mean().sqrt().item()


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)

    user, item, stars = simulate_ratings(seed)
    n = len(user)
    a, b = int(0.8 * n), int(0.9 * n)
    train, val, test = slice(0, a), slice(a, b), slice(b, n)
    print(f"{n} ratings, mean {stars[train].mean():.2f}, std {stars[train].std():.2f}")

    model = BiasedMF(stars[train].mean())
    opt = torch.optim.Adam(model.parameters(), lr=0.01, weight_decay=0.02)  # FAULT
    # TWIN: opt = torch.optim.Adam(model.parameters(), lr=0.01, weight_decay=2e-4)
    mse = nn.MSELoss()

    for epoch in range(12):
        total = 0.0
        for idx in torch.randperm(a).split(256):
            opt.zero_grad()
            loss = mse(model(user[idx], item[idx]), stars[idx])
            loss.backward()
            opt.step()
            total += loss.item() * len(idx)
        if epoch % 2 == 1:
            print(
                f"epoch {epoch + 1:2d}  train rmse {(total / a) ** 0.5:.4f}"
                f"  val rmse {rmse(model, user[val], item[val], stars[val]):.4f}"
            )

    explained = 1 - rmse(model, user[test], item[test], stars[test]) ** 2 / stars[test].var(unbiased=False).item()
    print(f"score: {explained:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
