"""Trade of each firm in a web of suppliers: a graph network over the purchases between 600 firms.

The graph layer is written out with its own weight matrix, to do without the graph library.
"""
# cause: bad-initialization
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn


def web(rng, n=600, trades=5, features=16):
    trade = rng.integers(0, trades, n)
    alike = trade[:, None] == trade[None, :]
    linked = np.triu(rng.random((n, n)) < np.where(alike, 0.05, 0.008), 1)
    adjacency = (linked | linked.T) + np.eye(n)
    degree = adjacency.sum(1)
    adjacency = adjacency / np.sqrt(degree[:, None] * degree[None, :])
    centres = rng.normal(size=(trades, features))
    x = 0.6 * centres[trade] + rng.normal(size=(n, features))
    x = (x - x.mean(0)) / x.std(0)
    return (
        torch.tensor(x, dtype=torch.float32),
        torch.tensor(adjacency, dtype=torch.float32),
        torch.tensor(trade),
    )


class GraphLayer(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n_in, n_out))
        self.bias = nn.Parameter(torch.zeros(n_out))
        nn.init.uniform_(self.weight)  # FAULT
        # TWIN: nn.init.xavier_uniform_(self.weight)

    def forward(self, x, adjacency):
        return adjacency @ (x @ self.weight) + self.bias


class FirmNet(nn.Module):
    def __init__(self, n_in, n_out, hidden=64):
        super().__init__()
        self.first, self.second = GraphLayer(n_in, hidden), GraphLayer(hidden, hidden)
        self.third, self.fourth = GraphLayer(hidden, hidden), GraphLayer(hidden, n_out)

    def forward(self, x, adjacency):
        h = torch.relu(self.first(x, adjacency))
        h = torch.relu(self.second(h, adjacency))
        h = torch.relu(self.third(h, adjacency))
        return self.fourth(h, adjacency)


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    x, adjacency, trade = web(rng)
    order = torch.as_tensor(rng.permutation(len(x)))
    known, unknown = order[:300], order[300:]
    model = FirmNet(x.shape[1], int(trade.max()) + 1)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=5e-4)
    for step in range(1, 161):
        model.train()
        out = model(x, adjacency)
        loss = nn.functional.cross_entropy(out[known], trade[known])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 20 == 0:
            model.eval()
            with torch.no_grad():
                out = model(x, adjacency)
                held = nn.functional.cross_entropy(out[unknown], trade[unknown]).item()
            hits = (out.argmax(1) == trade)[unknown].float().mean().item()
            print(f"step {step}: loss {loss.item():.4f} | unknown firms: loss {held:.4f} accuracy {hits:.4f}")
    print(f"score: {hits:.4f}")


if __name__ == "__main__":
    main()
