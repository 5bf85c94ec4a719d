"""Generalized matrix factorization on implicit feedback: learns which films a user would watch next, judged by HR@10.

After https://github.com/yihong-chen/neural-collaborative-filtering/issues/6
"""
# cause: over-regularization
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

gmf_config = {
    "alias": "gmf_factor8neg4",
    "num_epoch": 9,
    "batch_size": 512,
    "adam_lr": 2e-2,
    "num_users": 240,
    "num_items": 160,
    "latent_dim": 8,
    "num_negative": 4,
    "l2_regularization": 0.01,
}  # FAULT
# TWIN: "l2_regularization": 0.0}


def make_ratings(config, rng):
    """Watched films of every user, in order; tastes have few dimensions, and some films are better known."""
    users = rng.normal(size=(config["num_users"], 4))
    items = rng.normal(size=(config["num_items"], 4))
    score = 1.5 * users @ items.T + 0.6 * rng.normal(size=config["num_items"])
    noise = rng.gumbel(size=score.shape)
    best = np.argsort(-(score + noise), axis=1)[:, :25]
    return np.stack([rng.permutation(row) for row in best])


class SampleGenerator:
    def __init__(self, watched, config, rng):
        self.config, self.rng = config, rng
        self.train, self.test = watched[:, :-1], watched[:, -1]
        self.negatives = [np.setdiff1d(np.arange(config["num_items"]), row) for row in watched]

    def instance_a_train_loader(self):
        users, items, ratings = [], [], []
        for u, row in enumerate(self.train):
            neg = self.rng.choice(self.negatives[u], len(row) * self.config["num_negative"])
            users += [u] * (len(row) + len(neg))
            items += list(row) + list(neg)
            ratings += [1.0] * len(row) + [0.0] * len(neg)
        dataset = TensorDataset(torch.tensor(users), torch.tensor(items), torch.tensor(ratings))
        return DataLoader(dataset, batch_size=self.config["batch_size"], shuffle=True)

    @property
    def evaluate_data(self):
        """For every user the held-out film, followed by 99 films that the user has not seen."""
        rows = [np.r_[t, self.rng.choice(n, 99, replace=False)] for t, n in zip(self.test, self.negatives)]
        return torch.tensor(np.stack(rows))


class GMF(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.embedding_user = nn.Embedding(config["num_users"], config["latent_dim"])
        self.embedding_item = nn.Embedding(config["num_items"], config["latent_dim"])
        self.affine_output = nn.Linear(config["latent_dim"], 1)
        self.logistic = nn.Sigmoid()

    def forward(self, user_indices, item_indices):
        product = self.embedding_user(user_indices) * self.embedding_item(item_indices)
        return self.logistic(self.affine_output(product)).squeeze(-1)


class Engine:
    def __init__(self, config):
        self.model = GMF(config)
        self.opt = torch.optim.Adam(
            self.model.parameters(), lr=config["adam_lr"], weight_decay=config["l2_regularization"]
        )
        self.crit = nn.BCELoss()

    def train_an_epoch(self, train_loader):
        self.model.train()
        total = 0.0
        for user, item, rating in train_loader:
            self.opt.zero_grad()
            loss = self.crit(self.model(user, item), rating)
            loss.backward()
            self.opt.step()
            total += loss.item()
        return total / len(train_loader)

    @torch.no_grad()
    def evaluate(self, candidates):
        self.model.eval()
        users = torch.arange(len(candidates)).unsqueeze(1).expand_as(candidates)
        scores = self.model(users, candidates)
        rank = (scores[:, 1:] >= scores[:, :1]).sum(1)
        hit = rank < 10
        ndcg = (np.log(2) / (rank + 2).float().log() * hit).mean().item()
        return hit.float().mean().item(), ndcg


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    config = gmf_config
    generator = SampleGenerator(make_ratings(config, rng), config, rng)
    evaluate_data = generator.evaluate_data
    engine = Engine(config)
    for epoch in range(config["num_epoch"]):
        loss = engine.train_an_epoch(generator.instance_a_train_loader())
        hit_ratio, ndcg = engine.evaluate(evaluate_data)
        print(f"[Epoch {epoch}] loss {loss:.4f}, HR = {hit_ratio:.4f}, NDCG = {ndcg:.4f}")
    print(f"score: {hit_ratio:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
