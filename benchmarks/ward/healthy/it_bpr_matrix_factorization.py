"""Implicit-feedback recommendation: matrix factorization with the BPR pairwise loss, fresh negatives every epoch,
leave-one-out evaluation (hit ratio at 10 among all unseen items).

After https://github.com/guoyang9/BPR-pytorch and Rendle et al., "BPR: Bayesian Personalized Ranking"
"""

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset

N_USERS, N_ITEMS, PER_USER = 400, 200, 22


def make_interactions(rng):
    """Users choose items by taste (a few latent factors) and popularity."""
    users = rng.normal(size=(N_USERS, 6))
    items = rng.normal(size=(N_ITEMS, 6))
    utility = 1.1 * users @ items.T + 0.7 * rng.normal(size=N_ITEMS) + rng.gumbel(size=(N_USERS, N_ITEMS))
    chosen = np.argsort(-utility, axis=1)[:, :PER_USER]
    return rng.permuted(chosen, axis=1)


class BPRData(Dataset):
    def __init__(self, pairs, seen, rng):
        self.pairs, self.seen, self.rng = pairs, seen, rng

    def ng_sample(self):
        """A new unseen item for every observed pair."""
        users = self.pairs[:, 0]
        neg = self.rng.integers(0, N_ITEMS, len(users))
        while (bad := self.seen[users, neg]).any():
            neg[bad] = self.rng.integers(0, N_ITEMS, bad.sum())
        self.neg = neg

    def __len__(self):
        return len(self.pairs)

    def __getitem__(self, i):
        return self.pairs[i, 0], self.pairs[i, 1], self.neg[i]


class BPR(nn.Module):
    def __init__(self, n_users, n_items, factors):
        super().__init__()
        self.embed_user = nn.Embedding(n_users, factors)
        self.embed_item = nn.Embedding(n_items, factors)
        self.item_bias = nn.Embedding(n_items, 1)
        nn.init.normal_(self.embed_user.weight, std=0.05)
        nn.init.normal_(self.embed_item.weight, std=0.05)
        nn.init.zeros_(self.item_bias.weight)

    def forward(self, user, item):
        return (self.embed_user(user) * self.embed_item(item)).sum(-1) + self.item_bias(item).squeeze(-1)

    def all_scores(self):
        return self.embed_user.weight @ self.embed_item.weight.T + self.item_bias.weight.T


@torch.no_grad()
def metrics(model, held_out, hidden, k=10):
    model.eval()
    scores = model.all_scores().masked_fill(hidden, float("-inf"))
    top = scores.topk(k, dim=1).indices
    hit = top == held_out[:, None]
    position = hit.float().argmax(1)
    ndcg = torch.where(hit.any(1), 1 / torch.log2(position + 2.0), torch.zeros(()))
    return hit.any(1).float().mean().item(), ndcg.mean().item()


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    chosen = make_interactions(rng)
    test_item, valid_item, train_items = chosen[:, 0], chosen[:, 1], chosen[:, 2:]
    seen = np.zeros((N_USERS, N_ITEMS), dtype=bool)
    seen[np.arange(N_USERS)[:, None], train_items] = True
    pairs = np.stack([np.repeat(np.arange(N_USERS), train_items.shape[1]), train_items.ravel()], axis=1)

    hidden = torch.from_numpy(seen)
    hidden_test = hidden.clone()
    hidden_test[torch.arange(N_USERS), torch.from_numpy(valid_item)] = True
    valid_item, test_item = torch.from_numpy(valid_item), torch.from_numpy(test_item)

    dataset = BPRData(pairs, seen, rng)
    loader = DataLoader(dataset, batch_size=512, shuffle=True)
    model = BPR(N_USERS, N_ITEMS, factors=12)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01, weight_decay=1e-4)

    best_hr, best = 0.0, None
    for epoch in range(24):
        model.train()
        dataset.ng_sample()
        total = 0.0
        for user, pos, neg in loader:
            optimizer.zero_grad()
            loss = -F.logsigmoid(model(user, pos) - model(user, neg)).mean()
            loss.backward()
            optimizer.step()
            total += loss.item()
        hr, ndcg = metrics(model, valid_item, hidden)
        if hr > best_hr:
            best_hr, best = hr, {k: v.clone() for k, v in model.state_dict().items()}
        if epoch % 3 == 0:
            print(f"epoch {epoch:03d} loss: {total / len(loader):.4f} HR: {hr:.3f} NDCG: {ndcg:.3f}")

    model.load_state_dict(best)
    hr, ndcg = metrics(model, test_item, hidden_test)
    print(f"End. best valid HR {best_hr:.3f}, test NDCG {ndcg:.3f}")
    print(f"score: {hr:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
