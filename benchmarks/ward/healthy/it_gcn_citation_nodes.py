"""Semi-supervised node classification with a two-layer graph convolutional network on a citation-like random graph
(stochastic block model with sparse bag-of-words features), 20 labelled nodes per class.

After the training script of pygcn, https://github.com/tkipf/pygcn
"""

import sys
import time

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim

N_NODES, N_CLASS, N_WORDS = 900, 5, 120


def make_graph(rng):
    labels = rng.integers(0, N_CLASS, N_NODES)
    same = labels[:, None] == labels[None, :]
    prob = np.where(same, 0.026, 0.0018)
    upper = np.triu(rng.random((N_NODES, N_NODES)) < prob, k=1)
    adj = (upper | upper.T).astype(np.float32)
    word_prob = np.full((N_CLASS, N_WORDS), 0.03)
    for c in range(N_CLASS):
        word_prob[c, rng.choice(N_WORDS, 14, replace=False)] = 0.09
    features = (rng.random((N_NODES, N_WORDS)) < word_prob[labels]).astype(np.float32)
    return adj, features, labels


def normalize(adj):
    """Symmetric normalization of A + I."""
    adj = adj + np.eye(len(adj), dtype=np.float32)
    d = adj.sum(1) ** -0.5
    return d[:, None] * adj * d[None, :]


class GraphConvolution(nn.Module):
    def __init__(self, in_features, out_features):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(in_features, out_features))
        self.bias = nn.Parameter(torch.zeros(out_features))
        nn.init.xavier_uniform_(self.weight)

    def forward(self, x, adj):
        return torch.sparse.mm(adj, x @ self.weight) + self.bias


class GCN(nn.Module):
    def __init__(self, nfeat, nhid, nclass, dropout):
        super().__init__()
        self.gc1 = GraphConvolution(nfeat, nhid)
        self.gc2 = GraphConvolution(nhid, nclass)
        self.dropout = dropout

    def forward(self, x, adj):
        x = F.relu(self.gc1(x, adj))
        x = F.dropout(x, self.dropout, training=self.training)
        return F.log_softmax(self.gc2(x, adj), dim=1)


def accuracy(output, labels):
    return (output.argmax(1) == labels).float().mean().item()


def main(seed):
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)

    adj, features, labels = make_graph(rng)
    adj = torch.from_numpy(normalize(adj)).to_sparse()
    features = features / np.maximum(features.sum(1, keepdims=True), 1)  # rows sum to one
    features, labels = torch.from_numpy(features), torch.from_numpy(labels)

    order = rng.permutation(N_NODES)
    idx_train = np.concatenate([order[labels[order].numpy() == c][:20] for c in range(N_CLASS)])
    rest = order[~np.isin(order, idx_train)]
    idx_val, idx_test = torch.from_numpy(rest[:250]), torch.from_numpy(rest[250:])
    idx_train = torch.from_numpy(idx_train)

    model = GCN(N_WORDS, 16, N_CLASS, dropout=0.5)
    optimizer = optim.Adam(model.parameters(), lr=0.01, weight_decay=5e-4)

    t_total = time.time()
    for epoch in range(200):
        model.train()
        optimizer.zero_grad()
        output = model(features, adj)
        loss_train = F.nll_loss(output[idx_train], labels[idx_train])
        loss_train.backward()
        optimizer.step()

        if epoch % 20 == 0 or epoch == 199:
            model.eval()
            with torch.no_grad():
                output = model(features, adj)
                loss_val = F.nll_loss(output[idx_val], labels[idx_val])
            print(
                f"Epoch: {epoch + 1:04d} loss_train: {loss_train.item():.4f} loss_val: {loss_val.item():.4f} "
                f"acc_val: {accuracy(output[idx_val], labels[idx_val]):.4f}"
            )
    print(f"Optimization finished, {time.time() - t_total:.2f}s")

    model.eval()
    with torch.no_grad():
        output = model(features, adj)
    print(f"score: {accuracy(output[idx_test], labels[idx_test]):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
