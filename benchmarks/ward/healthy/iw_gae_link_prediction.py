"""Link prediction with a graph autoencoder: two GCN layers and inner products, fresh negatives every epoch, test edges
hidden from the message passing.

After examples/link_pred.py of PyTorch Geometric (https://github.com/pyg-team/pytorch_geometric).
"""

import copy
import sys

import numpy as np
import torch
import torch.nn as nn
from sklearn.metrics import roc_auc_score


def latent_space_graph(rng, n=500):
    """People with places on a torus know their neighbours; the features are noisy views of the place."""
    place = rng.random((n, 2))
    gap = np.abs(place[:, None] - place[None])
    dist = np.sqrt((np.minimum(gap, 1 - gap) ** 2).sum(-1))
    upper = np.triu(rng.random((n, n)) < 0.75 * np.exp(-((dist / 0.07) ** 2)), 1)
    angle = 2 * np.pi * place
    feats = np.concatenate([np.sin(angle), np.cos(angle)], 1) + rng.normal(0, 0.4, (n, 4))
    return np.argwhere(upper), np.concatenate([feats, rng.normal(0, 0.6, (n, 4))], 1).astype(np.float32)


def sample_negatives(rng, known, n, count):
    """Pairs i < j that are not edges; known is a set of the codes i * n + j."""
    out = []
    while len(out) < count:
        i, j = sorted(rng.integers(n, size=2))
        if i != j and i * n + j not in known:
            out.append((i, j))
    return np.array(out)


def normalized_adjacency(edges, n):
    a = torch.eye(n)
    a[edges[:, 0], edges[:, 1]] = 1
    a[edges[:, 1], edges[:, 0]] = 1
    d = a.sum(1).rsqrt()
    return (d[:, None] * a * d[None]).to_sparse()


class Net(nn.Module):
    def __init__(self, in_channels, hidden_channels, out_channels):
        super().__init__()
        self.lin1 = nn.Linear(in_channels, hidden_channels)
        self.lin2 = nn.Linear(hidden_channels, out_channels)
        self.bias = nn.Parameter(torch.zeros(()))

    def encode(self, x, adj):
        x = torch.relu(torch.sparse.mm(adj, self.lin1(x)))
        return torch.sparse.mm(adj, self.lin2(x))

    def decode(self, z, pairs):
        return (z[pairs[:, 0]] * z[pairs[:, 1]]).sum(-1) + self.bias


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    edges, x = latent_space_graph(rng)
    n = len(x)
    edges = rng.permutation(edges)
    n_val, n_test = len(edges) // 10, len(edges) // 5
    val, test, train = edges[:n_val], edges[n_val : n_val + n_test], edges[n_val + n_test :]
    all_codes = {i * n + j for i, j in edges}
    train_codes = {i * n + j for i, j in train}
    print(f"{n} nodes, {len(train)} training edges, {len(val)} for validation, {len(test)} for the test")

    x = torch.tensor(x)
    adj = normalized_adjacency(train, n)
    held_out = {}
    for name, pos in (("val", val), ("test", test)):
        neg = sample_negatives(rng, all_codes, n, len(pos))
        held_out[name] = torch.tensor(np.concatenate([pos, neg])), np.r_[np.ones(len(pos)), np.zeros(len(neg))]
    train = torch.tensor(train)

    model = Net(x.shape[1], 64, 32)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    criterion = nn.BCEWithLogitsLoss()

    @torch.no_grad()
    def evaluate(name):
        model.eval()
        pairs, labels = held_out[name]
        return roc_auc_score(labels, model.decode(model.encode(x, adj), pairs).numpy())

    best, best_state = 0.0, None
    for epoch in range(1, 151):
        model.train()
        optimizer.zero_grad()
        neg = torch.tensor(sample_negatives(rng, train_codes, n, len(train)))
        logits = model.decode(model.encode(x, adj), torch.cat([train, neg]))
        labels = torch.cat([torch.ones(len(train)), torch.zeros(len(neg))])
        loss = criterion(logits, labels)
        loss.backward()
        optimizer.step()
        val_auc = evaluate("val")
        if val_auc > best:
            best, best_state = val_auc, copy.deepcopy(model.state_dict())
        if epoch % 15 == 0:
            print(f"Epoch: {epoch:03d}, Loss: {loss.item():.4f}, Val AUC: {val_auc:.4f}")

    model.load_state_dict(best_state)
    print(f"score: {evaluate('test'):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
