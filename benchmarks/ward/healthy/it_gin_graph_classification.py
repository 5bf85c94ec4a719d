"""Graph classification with a graph isomorphism network: random graphs from three generators (uniform, small-world,
preferential attachment) of equal mean degree, degrees as node features, sum pooling over every layer.

After https://github.com/weihua916/powerful-gnns (Xu et al., "How Powerful are Graph Neural Networks?")
"""

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

N_MAX, MAX_DEGREE = 30, 12


def random_graph(kind, rng):
    n = int(rng.integers(20, N_MAX + 1))
    a = np.zeros((n, n), dtype=np.float32)
    if kind == 0:  # uniform
        a[np.triu_indices(n, 1)] = rng.random(n * (n - 1) // 2) < 4.0 / (n - 1)
    elif kind == 1:  # ring with two neighbours on each side, some edges rewired
        for i in range(n):
            for k in (1, 2):
                j = (i + k) % n if rng.random() > 0.3 else int(rng.integers(n))
                if i != j:
                    a[min(i, j), max(i, j)] = 1
    else:  # preferential attachment
        degree = np.ones(n)
        for i in range(2, n):
            p = degree[:i] / degree[:i].sum()
            for j in rng.choice(i, 2, replace=False, p=p):
                a[j, i] = 1
                degree[[i, j]] += 1
    return a + a.T


def pad_graphs(kinds, rng):
    adj = torch.zeros(len(kinds), N_MAX, N_MAX)
    mask = torch.zeros(len(kinds), N_MAX)
    for g, kind in enumerate(kinds):
        a = random_graph(kind, rng)
        order = rng.permutation(len(a))
        adj[g, : len(a), : len(a)] = torch.from_numpy(a[np.ix_(order, order)])
        mask[g, : len(a)] = 1
    degree = adj.sum(2).long().clamp(max=MAX_DEGREE)
    x = F.one_hot(degree, MAX_DEGREE + 1).float() * mask.unsqueeze(-1)
    return adj, x, mask


class GINLayer(nn.Module):
    def __init__(self, d_in, d_out):
        super().__init__()
        self.eps = nn.Parameter(torch.zeros(1))
        self.mlp = nn.Sequential(
            nn.Linear(d_in, d_out), nn.LayerNorm(d_out), nn.ReLU(), nn.Linear(d_out, d_out), nn.ReLU()
        )

    def forward(self, adj, h, mask):
        return self.mlp((1 + self.eps) * h + adj @ h) * mask.unsqueeze(-1)


class GIN(nn.Module):
    def __init__(self, d_in, hidden=32, n_layers=3, n_class=3, dropout=0.3):
        super().__init__()
        dims = [d_in] + [hidden] * n_layers
        self.layers = nn.ModuleList(GINLayer(a, b) for a, b in zip(dims, dims[1:]))
        self.readouts = nn.ModuleList(nn.Linear(d, n_class) for d in dims)
        self.dropout = nn.Dropout(dropout)

    def forward(self, adj, x, mask):
        h, score = x, self.readouts[0](x.sum(1) / 10)
        for layer, readout in zip(self.layers, self.readouts[1:]):
            h = layer(adj, h, mask)
            score = score + self.dropout(readout(h.sum(1) / 10))
        return score


def accuracy(model, data, labels):
    model.eval()
    with torch.no_grad():
        return (model(*data).argmax(1) == labels).float().mean().item()


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    y_train, y_test = torch.arange(600) % 3, torch.arange(300) % 3
    train, test = pad_graphs(y_train.tolist(), rng), pad_graphs(y_test.tolist(), rng)

    model = GIN(MAX_DEGREE + 1)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=8, gamma=0.5)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(1, 21):
        model.train()
        loss_accum, batches = 0.0, torch.randperm(len(y_train)).split(32)
        for idx in batches:
            output = model(*(t[idx] for t in train))
            loss = criterion(output, y_train[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            loss_accum += loss.item()
        scheduler.step()
        if epoch % 2 == 0:
            print(
                f"epoch: {epoch} loss training: {loss_accum / len(batches):f} "
                f"accuracy train: {accuracy(model, train, y_train):.4f}"
            )
    print(f"score: {accuracy(model, test, y_test):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
