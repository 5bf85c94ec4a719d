"""Two optimizers on one model, as in recommender code: SparseAdam for the embedding tables, Adam for the dense part."""

import sys

import torch
from torch import nn

torch.set_num_threads(1)


class Recommender(nn.Module):
    def __init__(self, n_users, n_items, dim=8):
        super().__init__()
        self.users = nn.Embedding(n_users, dim, sparse=True)
        self.items = nn.Embedding(n_items, dim, sparse=True)
        nn.init.normal_(self.users.weight, std=0.1)
        nn.init.normal_(self.items.weight, std=0.1)
        self.mlp = nn.Sequential(nn.Linear(3 * dim, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, u, i):
        u, i = self.users(u), self.items(i)
        return self.mlp(torch.cat([u, i, u * i], dim=1)).squeeze(1)


def make_ratings(n_users, n_items, n_ratings):
    u_true, i_true = torch.randn(n_users, 3), torch.randn(n_items, 3)
    users = torch.randint(n_users, (n_ratings,))
    items = torch.randint(n_items, (n_ratings,))
    ratings = (u_true[users] * i_true[items]).sum(1) / 3**0.5 + 0.1 * torch.randn(n_ratings)
    return users, items, ratings


if __name__ == "__main__":
    torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    users, items, ratings = make_ratings(60, 50, 2500)
    n_train = 2000
    net = Recommender(60, 50)
    opt_sparse = torch.optim.SparseAdam([net.users.weight, net.items.weight], lr=0.02)
    opt_dense = torch.optim.Adam(net.mlp.parameters(), lr=3e-3)
    loss_fn = nn.MSELoss()

    for epoch in range(30):
        epoch_loss = 0.0
        for idx in torch.randperm(n_train).split(100):
            loss = loss_fn(net(users[idx], items[idx]), ratings[idx])
            opt_sparse.zero_grad()
            opt_dense.zero_grad()
            loss.backward()
            opt_sparse.step()
            opt_dense.step()
            epoch_loss += loss.item() * len(idx)
        with torch.no_grad():
            test_loss = loss_fn(net(users[n_train:], items[n_train:]), ratings[n_train:])
        if epoch % 3 == 2:
            print(f"epoch {epoch + 1}: train {epoch_loss / n_train:.4f} test {test_loss.item():.4f}")

    r2 = 1 - test_loss / ratings[n_train:].var()
    print(f"score: {r2.item():.4f}")
