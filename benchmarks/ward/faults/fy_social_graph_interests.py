"""Guesses the interests of the members of a social network with a two-layer graph convolution.
A member can have several of the seven interests, or none; only some of the profiles are filled in.
"""
# cause: loss-output-mismatch
# kind: dynamic

import sys

import numpy as np
import torch
from sklearn.metrics import f1_score
from torch import nn

INTERESTS = 7


def build_network(n, rng):
    """Members who share interests befriend each other more often; features are noisy traces of their clicks."""
    p = np.array([0.3, 0.25, 0.2, 0.18, 0.15, 0.12, 0.1])
    interests = (rng.random((n, INTERESTS)) < p).astype(np.float32)
    shared = interests @ interests.T
    prob = 0.002 + 0.03 * shared**1.5
    adj = np.triu(rng.random((n, n)) < prob, 1)
    adj = (adj | adj.T).astype(np.float32)
    mixing = rng.normal(size=(INTERESTS, 24))
    clicks = interests @ mixing + 1.6 * rng.normal(size=(n, 24))
    return clicks.astype(np.float32), adj, interests


def normalise(adj):
    a = adj + np.eye(len(adj), dtype=np.float32)
    d = 1 / np.sqrt(a.sum(1))
    return a * d[:, None] * d[None]


class GraphConv(nn.Module):
    def __init__(self, d_in, d_out):
        super().__init__()
        self.own = nn.Linear(d_in, d_out)
        self.friends = nn.Linear(d_in, d_out, bias=False)

    def forward(self, x, a):
        return self.own(x) + a @ self.friends(x)


class InterestNet(nn.Module):
    def __init__(self, d_in, d_hidden=32, p_drop=0.4):
        super().__init__()
        self.gc1 = GraphConv(d_in, d_hidden)
        self.gc2 = GraphConv(d_hidden, INTERESTS)
        self.drop = nn.Dropout(p_drop)

    def forward(self, x, a):
        h = torch.relu(self.gc1(self.drop(x), a))
        return self.gc2(self.drop(h), a)


def micro_f1(logits, y):
    return f1_score(y.numpy(), (torch.sigmoid(logits) > 0.5).numpy(), average="micro", zero_division=0)


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)

    clicks, adj, interests = build_network(700, rng)
    x = torch.from_numpy((clicks - clicks.mean(0)) / clicks.std(0))
    a = torch.from_numpy(normalise(adj))
    y = torch.from_numpy(interests)
    perm = torch.from_numpy(rng.permutation(len(y)))
    train, val, test = perm[:350], perm[350:450], perm[450:]

    model = InterestNet(x.shape[1])
    criterion = nn.CrossEntropyLoss()  # FAULT
    # TWIN: criterion = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01, weight_decay=5e-4)
    for epoch in range(160):
        model.train()
        optimizer.zero_grad()
        out = model(x, a)
        loss = criterion(out[train], y[train])
        loss.backward()
        optimizer.step()
        if epoch % 20 == 19:
            model.eval()
            with torch.no_grad():
                out = model(x, a)
            print(
                f"epoch {epoch + 1:3d}  loss {loss.item():.4f}  "
                f"F1 train {micro_f1(out[train], y[train]):.3f}  val {micro_f1(out[val], y[val]):.3f}"
            )

    model.eval()
    with torch.no_grad():
        score = micro_f1(model(x, a)[test], y[test])
    print(f"score: {score:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
