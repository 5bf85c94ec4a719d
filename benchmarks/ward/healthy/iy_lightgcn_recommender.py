"""LightGCN: embeddings spread over the graph of users and items, trained with the BPR loss, judged by recall@20.

After https://github.com/gusye1234/LightGCN-PyTorch (He et al. 2020).
"""

import sys

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


def make_interactions(n_users, n_items, rng):
    """Implicit feedback from latent tastes and popularity, 12 to 40 items for each user; one in five is held out."""
    tastes = rng.normal(size=(n_users, 6))
    traits = rng.normal(size=(n_items, 6))
    popularity = rng.normal(0, 0.7, size=n_items)
    scores = 1.6 * tastes @ traits.T / np.sqrt(6) * 1.5 + popularity
    train, test = [], []
    for u in range(n_users):
        gumbel = scores[u] + rng.gumbel(size=n_items)
        items = np.argsort(-gumbel)[: rng.integers(12, 41)]
        items = rng.permutation(items)
        cut = max(1, len(items) // 5)
        test.append(items[:cut])
        train.append(items[cut:])
    return train, test


class LightGCN(nn.Module):
    def __init__(self, n_users, n_items, graph, dim=32, n_layers=2):
        super().__init__()
        self.n_users, self.n_items, self.n_layers = n_users, n_items, n_layers
        self.register_buffer("graph", graph)
        self.embedding_user = nn.Embedding(n_users, dim)
        self.embedding_item = nn.Embedding(n_items, dim)
        nn.init.normal_(self.embedding_user.weight, std=0.1)
        nn.init.normal_(self.embedding_item.weight, std=0.1)

    def computer(self):
        all_emb = torch.cat([self.embedding_user.weight, self.embedding_item.weight])
        embs = [all_emb]
        for _ in range(self.n_layers):
            all_emb = torch.sparse.mm(self.graph, all_emb)
            embs.append(all_emb)
        return torch.stack(embs, dim=1).mean(dim=1).split([self.n_users, self.n_items])

    def bpr_loss(self, users, pos, neg):
        all_users, all_items = self.computer()
        u, p, n = all_users[users], all_items[pos], all_items[neg]
        loss = F.softplus((u * n).sum(1) - (u * p).sum(1)).mean()
        ego = (self.embedding_user(users), self.embedding_item(pos), self.embedding_item(neg))
        reg = 0.5 * sum(e.pow(2).sum() for e in ego) / len(users)
        return loss, reg


def normalized_graph(train, n_users, n_items):
    rows = np.concatenate([np.full(len(items), u) for u, items in enumerate(train)])
    cols = np.concatenate(train) + n_users
    index = np.stack([np.concatenate([rows, cols]), np.concatenate([cols, rows])])
    degree = np.bincount(index[0], minlength=n_users + n_items).astype(np.float32)
    values = 1.0 / np.sqrt(degree[index[0]] * degree[index[1]])
    size = (n_users + n_items, n_users + n_items)
    return torch.sparse_coo_tensor(torch.tensor(index), torch.tensor(values), size, check_invariants=True).coalesce()


def sample_epoch(train, seen, n_items, rng):
    users = np.concatenate([np.full(len(items), u) for u, items in enumerate(train)])
    pos = np.concatenate(train)
    neg = rng.integers(0, n_items, size=len(users))
    while (bad := seen[users, neg]).any():  # a negative is an item the user has not taken
        neg[bad] = rng.integers(0, n_items, size=bad.sum())
    order = rng.permutation(len(users))
    return (torch.from_numpy(a[order]) for a in (users, pos, neg))


def recall_at(scores, seen, test, k=20):
    scores = np.where(seen, -np.inf, scores)
    top = np.argsort(-scores, axis=1)[:, :k]
    return float(np.mean([np.isin(t, row).sum() / min(k, len(t)) for t, row in zip(test, top)]))


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    n_users, n_items = 400, 300
    train, test = make_interactions(n_users, n_items, rng)
    seen = np.zeros((n_users, n_items), dtype=bool)
    for u, items in enumerate(train):
        seen[u, items] = True

    model = LightGCN(n_users, n_items, normalized_graph(train, n_users, n_items))
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for epoch in range(1, 31):
        model.train()
        users, pos, neg = sample_epoch(train, seen, n_items, rng)
        losses = []
        for u, p, n in zip(users.split(512), pos.split(512), neg.split(512)):
            loss, reg = model.bpr_loss(u, p, n)
            optimizer.zero_grad()
            (loss + 1e-3 * reg).backward()
            optimizer.step()
            losses.append(loss.item())
        if epoch % 5 == 0:
            model.eval()
            with torch.no_grad():
                user_emb, item_emb = model.computer()
            recall = recall_at((user_emb @ item_emb.T).numpy(), seen, test)
            print(f"EPOCH[{epoch:2d}/30] loss {np.mean(losses):.4f}  recall@20 {recall:.4f}")

    popular = recall_at(np.tile(seen.sum(0), (n_users, 1)).astype(float), seen, test)
    print(f"recall@20 of the most popular items: {popular:.4f}")
    print(f"score: {recall:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
