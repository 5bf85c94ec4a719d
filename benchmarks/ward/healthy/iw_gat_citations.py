"""Graph attention network, written in plain PyTorch, on a synthetic citation graph with few labels (transductive).

After examples/gat.py of PyTorch Geometric (https://github.com/pyg-team/pytorch_geometric), test accuracy taken where
the validation accuracy is best.
"""

import sys

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


def citation_graph(rng, n=600, classes=5, words=120):
    y = rng.integers(classes, size=n)
    prob = np.where(y[:, None] == y[None], 0.022, 0.0022)
    upper = np.triu(rng.random((n, n)) < prob, 1)
    src, dst = np.nonzero(upper | upper.T)
    topic = rng.random((classes, words)) ** 5 * 0.3 + 0.02
    x = (rng.random((n, words)) < topic[y]).astype(np.float32)
    x /= np.maximum(x.sum(1, keepdims=True), 1)
    train, val, test = (np.zeros(n, bool) for _ in range(3))
    for c in range(classes):
        train[rng.permutation(np.flatnonzero(y == c))[:20]] = True
    rest = rng.permutation(np.flatnonzero(~train))
    val[rest[:150]], test[rest[150:]] = True, True
    edges = torch.tensor(np.stack([np.r_[src, np.arange(n)], np.r_[dst, np.arange(n)]]))  # with self-loops
    return torch.tensor(x), edges, torch.tensor(y), [torch.tensor(m) for m in (train, val, test)]


class GATConv(nn.Module):
    def __init__(self, n_in, n_out, heads=1, concat=True, dropout=0.0):
        super().__init__()
        self.heads, self.n_out, self.concat, self.dropout = heads, n_out, concat, dropout
        self.lin = nn.Linear(n_in, heads * n_out, bias=False)
        self.att_src = nn.Parameter(torch.empty(1, heads, n_out))
        self.att_dst = nn.Parameter(torch.empty(1, heads, n_out))
        self.bias = nn.Parameter(torch.zeros(heads * n_out if concat else n_out))
        for p in (self.lin.weight, self.att_src, self.att_dst):
            nn.init.xavier_uniform_(p)

    def forward(self, x, edge_index):
        n, (src, dst) = len(x), edge_index
        h = self.lin(x).view(n, self.heads, self.n_out)
        score = F.leaky_relu((h * self.att_src).sum(-1)[src] + (h * self.att_dst).sum(-1)[dst], 0.2)
        top = torch.full((n, self.heads), -1e9).scatter_reduce(0, dst[:, None].expand_as(score), score.detach(), "amax")
        weight = (score - top[dst]).exp()
        norm = torch.zeros(n, self.heads).index_add(0, dst, weight)
        weight = F.dropout(weight / norm[dst], self.dropout, self.training)
        out = torch.zeros(n, self.heads, self.n_out).index_add(0, dst, weight[..., None] * h[src])
        return (out.flatten(1) if self.concat else out.mean(1)) + self.bias


class GAT(nn.Module):
    def __init__(self, n_in, n_classes):
        super().__init__()
        self.conv1 = GATConv(n_in, 8, heads=8, dropout=0.5)
        self.conv2 = GATConv(64, n_classes, heads=1, concat=False, dropout=0.5)

    def forward(self, x, edge_index):
        x = F.dropout(x, p=0.5, training=self.training)
        x = F.elu(self.conv1(x, edge_index))
        x = F.dropout(x, p=0.5, training=self.training)
        return self.conv2(x, edge_index)


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    x, edge_index, y, masks = citation_graph(np.random.default_rng(seed))
    print(f"{len(x)} nodes, {edge_index.shape[1]} edges, {int(masks[0].sum())} labels")
    model = GAT(x.shape[1], 5)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.005, weight_decay=5e-4)

    def train():
        model.train()
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x, edge_index)[masks[0]], y[masks[0]])
        loss.backward()
        optimizer.step()
        return loss.item()

    @torch.no_grad()
    def test():
        model.eval()
        pred = model(x, edge_index).argmax(-1)
        return [(pred[m] == y[m]).float().mean().item() for m in masks]

    best_val = test_acc = 0.0
    for epoch in range(1, 201):
        loss = train()
        train_acc, val_acc, tmp = test()
        if val_acc > best_val:
            best_val, test_acc = val_acc, tmp
        if epoch % 20 == 0:
            print(f"Epoch: {epoch:03d}, Loss: {loss:.4f}, Train: {train_acc:.4f}, Val: {val_acc:.4f}, Test: {tmp:.4f}")
    print(f"score: {test_acc:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
