"""Learning to rank with the listwise ListNet loss on simulated queries with padded document lists and graded relevance;
NDCG@10 on held-out queries.

After allRank, https://github.com/allegro/allRank (ListNet loss, NDCG, padding masks)
"""

import sys
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

PAD = -1.0


@dataclass
class Config:
    n_features: int = 20
    max_docs: int = 30
    hidden: tuple = (64, 32)
    lr: float = 1e-3
    batch_size: int = 32
    epochs: int = 25


def simulate(rng, n_queries, cfg, w, v):
    """Relevance 0..4 from a non-linear utility; every query has its own number of documents and its own level."""
    x = rng.normal(size=(n_queries, cfg.max_docs, cfg.n_features)).astype(np.float32)
    x[:, :, 0] += rng.normal(size=(n_queries, 1))  # a feature whose level depends on the query
    z = x @ w + 1.5 * np.tanh(x @ v) * x[:, :, 1] + 0.6 * rng.normal(size=x.shape[:2])
    y = np.digitize(z, [0.5, 2.0, 3.2, 4.5]).astype(np.float32)
    lengths = rng.integers(12, cfg.max_docs + 1, n_queries)
    padding = np.arange(cfg.max_docs)[None, :] >= lengths[:, None]
    y[padding] = PAD
    x[padding] = 0.0
    return x, y


def list_net(scores, y):
    """Cross entropy between the top-one distributions of labels and scores."""
    mask = y == PAD
    target = torch.softmax(y.masked_fill(mask, float("-inf")), dim=1)
    log_pred = torch.log_softmax(scores.masked_fill(mask, float("-inf")), dim=1).masked_fill(mask, 0.0)
    return -(target * log_pred).sum(dim=1).mean()


def ndcg(scores, y, k=10):
    mask = y == PAD
    gain = (2**y - 1).masked_fill(mask, 0.0)
    discount = 1 / torch.log2(torch.arange(k) + 2.0)
    order = scores.masked_fill(mask, float("-inf")).argsort(1, descending=True)[:, :k]
    dcg = (gain.gather(1, order) * discount).sum(1)
    ideal = (gain.sort(1, descending=True).values[:, :k] * discount).sum(1)
    return (dcg / ideal)[ideal > 0]  # queries without any relevant document are left out


class Scorer(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        sizes = (cfg.n_features, *cfg.hidden)
        layers = [nn.LayerNorm(cfg.n_features)]
        for a, b in zip(sizes, sizes[1:]):
            layers += [nn.Linear(a, b), nn.ReLU(), nn.Dropout(0.1)]
        self.net = nn.Sequential(*layers, nn.Linear(sizes[-1], 1))

    def forward(self, x):
        return self.net(x).squeeze(-1)


def validate(model, x, y):
    model.eval()
    with torch.no_grad():
        return ndcg(model(x), y).mean().item()


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng, cfg = np.random.default_rng(seed), Config()
    w, v = rng.normal(size=cfg.n_features) * 0.4, rng.normal(size=cfg.n_features) * 0.3
    train, valid, test = [tuple(map(torch.from_numpy, simulate(rng, n, cfg, w, v))) for n in (700, 150, 300)]
    loader = DataLoader(TensorDataset(*train), batch_size=cfg.batch_size, shuffle=True)

    model = Scorer(cfg)
    optimizer = torch.optim.Adam(model.parameters(), lr=cfg.lr)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=15, gamma=0.3)
    print(f"ndcg@10 before training {validate(model, *valid):.4f}")
    for epoch in range(cfg.epochs):
        model.train()
        losses = []
        for x, y in loader:
            loss = list_net(model(x), y)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            losses.append(loss.item() * len(x))
        scheduler.step()
        if epoch % 3 == 0 or epoch == cfg.epochs - 1:
            print(
                f"Epoch : {epoch} Train loss: {sum(losses) / len(train[0]):.4f} Val ndcg@10 {validate(model, *valid):.4f}"
            )

    shuffled = torch.rand(test[1].shape, generator=torch.Generator().manual_seed(seed))
    print(f"random order, test ndcg@10 {ndcg(shuffled, test[1]).mean():.4f}")
    print(f"score: {validate(model, *test):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
