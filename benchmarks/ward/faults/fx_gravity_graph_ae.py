"""A gravity-inspired graph autoencoder learns who cites whom in a directed graph, judged on citations kept aside.

After https://github.com/deezer/gravity_graph_autoencoders/issues/4
"""
# cause: unstable-loss
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

N_NODES, N_TOPICS, N_WORDS = 300, 6, 30


def citation_graph(rng):
    """Papers with a topic and a fame; they cite famous papers of their topic. Features are the words of the titles."""
    topic = rng.integers(N_TOPICS, size=N_NODES)
    fame = rng.exponential(1.0, size=N_NODES) + 0.05
    edges = []
    for i in range(N_NODES):
        p = fame * np.where(topic == topic[i], 1.0, 0.03)
        p[i] = 0.0
        n_refs = rng.integers(0, 12)
        edges += [(i, j) for j in rng.choice(N_NODES, size=n_refs, replace=False, p=p / p.sum())]
    words = np.zeros((N_NODES, N_WORDS))
    for i in range(N_NODES):
        words[i, topic[i] * 5 + rng.choice(5, size=2, replace=False)] = 1.0
    return np.array(edges), words


class GCNLayer(nn.Module):
    def __init__(self, in_features, out_features):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(in_features, out_features))
        nn.init.xavier_uniform_(self.weight)

    def forward(self, adj_norm, x):
        return adj_norm @ (x @ self.weight)


class GravityGAEModel(nn.Module):
    """The last column of the second layer is the mass of a node, the others are its place."""

    def __init__(self, n_features, hidden=32, dim=16):
        super().__init__()
        self.hidden_layer = GCNLayer(n_features, hidden)
        self.z_layer = GCNLayer(hidden, dim + 1)

    def forward(self, adj_norm, features):
        return self.z_layer(adj_norm, F.relu(self.hidden_layer(adj_norm, features)))


def gravity_decoder(emb, pairs):
    """Logits of the edges i -> j: the mass of j less the logarithm of the squared distance."""
    i, j = pairs.T
    dist = (emb[i, :-1] - emb[j, :-1]).pow(2).sum(1)
    return emb[j, -1] - torch.log(dist)  # FAULT
    # TWIN: return emb[j, -1] - torch.log(dist + 0.01)


def sample_non_edges(n, known, rng):
    out = []
    while len(out) < n:
        i, j = rng.integers(N_NODES, size=2)
        if i != j and (i, j) not in known:
            out.append((i, j))
    return torch.tensor(out)


def auc(emb, pos, neg):
    """Chance that a true edge has a higher score than a false one."""
    p, n = gravity_decoder(emb, pos), gravity_decoder(emb, neg)
    return (p.unsqueeze(1) > n.unsqueeze(0)).float().mean().item()


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)

    edges, words = citation_graph(rng)
    known = set(map(tuple, edges))
    edges = torch.tensor(edges[rng.permutation(len(edges))])
    n_test = len(edges) // 8
    test_pos, train_pos = edges[:n_test], edges[n_test:]
    test_neg = sample_non_edges(n_test, known, rng)

    adj = torch.eye(N_NODES)
    adj[train_pos[:, 0], train_pos[:, 1]] = 1.0
    adj_norm = adj / adj.sum(1, keepdim=True)
    features = torch.tensor(words, dtype=torch.float32)

    model = GravityGAEModel(N_WORDS)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for epoch in range(220):
        pairs = torch.cat([train_pos, sample_non_edges(len(train_pos), known, rng)])
        labels = torch.cat([torch.ones(len(train_pos)), torch.zeros(len(train_pos))])
        optimizer.zero_grad()
        emb = model(adj_norm, features)
        loss = F.binary_cross_entropy_with_logits(gravity_decoder(emb, pairs), labels)
        loss.backward()
        optimizer.step()
        if (epoch + 1) % 20 == 0:
            print(f"Epoch: {epoch + 1:04d} train_loss= {loss.item():.5f}")

    with torch.no_grad():
        roc = auc(model(adj_norm, features), test_pos, test_neg)
    print(f"score: {roc:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
