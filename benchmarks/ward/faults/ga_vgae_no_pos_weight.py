"""A variational graph autoencoder fills in missing edges of a graph with communities and node features.

After https://github.com/zfjsail/gae-pytorch (Kipf and Welling, "Variational Graph Auto-Encoders").
"""
# cause: class-imbalance
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.metrics import average_precision_score, roc_auc_score


def make_graph(n, rng, communities=6, n_features=60):
    block = rng.integers(0, communities, size=n)
    position = rng.normal(size=(n, 2))
    same = block[:, None] == block[None, :]
    near = np.exp(-0.5 * ((position[:, None] - position[None]) ** 2).sum(-1))
    upper = np.triu(rng.random((n, n)) < 0.28 * same * near + 0.002, k=1)
    words = rng.random((communities, n_features)) < 0.2
    features = rng.random((n, n_features)) < np.where(words[block], 0.3, 0.05)
    return np.argwhere(upper), features.astype(np.float32)


def split_edges(edges, n, rng):
    """85% of edges for training, 5% and 10% held out, each with as many pairs that are no edges anywhere."""
    edges = rng.permutation(edges)
    n_val, n_test = len(edges) // 20, len(edges) // 10
    val, test, train = edges[:n_val], edges[n_val : n_val + n_test], edges[n_val + n_test :]
    taken, negatives = set(map(tuple, edges)), []
    while len(negatives) < n_val + n_test:
        i, j = sorted(rng.integers(0, n, size=2))
        if i != j and (i, j) not in taken:
            taken.add((i, j))
            negatives.append((i, j))
    negatives = np.array(negatives)
    return train, (val, negatives[:n_val]), (test, negatives[n_val:])


def preprocess(adj):
    adj = adj + torch.eye(len(adj))
    d = adj.sum(1).rsqrt()
    return d[:, None] * adj * d[None, :]


class GraphConvolution(nn.Module):
    def __init__(self, n_in, n_out, dropout=0.0, act=nn.Identity()):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n_in, n_out))
        nn.init.xavier_uniform_(self.weight)
        self.dropout, self.act = dropout, act

    def forward(self, x, adj):
        x = F.dropout(x, self.dropout, self.training)
        return self.act(adj @ (x @ self.weight))


class GCNModelVAE(nn.Module):
    def __init__(self, n_in, hidden1, hidden2, dropout):
        super().__init__()
        self.gc1 = GraphConvolution(n_in, hidden1, dropout, nn.ReLU())
        self.gc_mu = GraphConvolution(hidden1, hidden2)
        self.gc_logvar = GraphConvolution(hidden1, hidden2)

    def forward(self, x, adj):
        h = self.gc1(x, adj)
        mu, logvar = self.gc_mu(h, adj), self.gc_logvar(h, adj)
        z = mu + torch.randn_like(mu) * torch.exp(0.5 * logvar) if self.training else mu
        return z @ z.t(), mu, logvar


def vgae_loss(logits, labels, mu, logvar, norm, pos_weight):
    n = len(mu)
    cost = F.binary_cross_entropy_with_logits(logits, labels)  # FAULT
    # TWIN: cost = norm * F.binary_cross_entropy_with_logits(logits, labels, pos_weight=pos_weight)
    kld = -0.5 / n * (1 + logvar - mu.pow(2) - logvar.exp()).sum(1).mean()
    return cost + kld, cost, kld


def get_roc_score(emb, pos, neg):
    pairs = np.concatenate([pos, neg])
    scores = (emb[pairs[:, 0]] * emb[pairs[:, 1]]).sum(1)
    labels = np.concatenate([np.ones(len(pos)), np.zeros(len(neg))])
    return roc_auc_score(labels, scores), average_precision_score(labels, scores)


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    n = 420
    edges, features = make_graph(n, rng)
    train, val, test = split_edges(edges, n, rng)
    print(f"{n} nodes, {len(edges)} edges, {len(train)} of them for training")

    adj = torch.zeros(n, n)
    adj[train[:, 0], train[:, 1]] = 1.0
    adj = adj + adj.t()
    adj_norm, labels = preprocess(adj), adj + torch.eye(n)
    x = torch.from_numpy(features / features.sum(1, keepdims=True).clip(1))
    pos_weight = (n * n - adj.sum()) / adj.sum()
    norm = n * n / ((n * n - adj.sum()) * 2)

    model = GCNModelVAE(features.shape[1], 32, 16, dropout=0.1)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for epoch in range(1, 201):
        model.train()
        optimizer.zero_grad()
        logits, mu, logvar = model(x, adj_norm)
        loss, cost, kld = vgae_loss(logits, labels, mu, logvar, norm, pos_weight)
        loss.backward()
        optimizer.step()
        if epoch % 20 == 0:
            model.eval()
            with torch.no_grad():
                _, mu, _ = model(x, adj_norm)
            auc, ap = get_roc_score(mu.numpy(), *val)
            print(f"Epoch: {epoch:04d} loss {loss.item():.5f} (kl {kld.item():.4f}) val_auc {auc:.4f} val_ap {ap:.4f}")

    auc, ap = get_roc_score(mu.numpy(), *test)
    print(f"Test AP score: {ap:.4f}")
    print(f"score: {auc:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
