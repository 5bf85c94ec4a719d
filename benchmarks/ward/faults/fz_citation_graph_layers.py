"""Semi-supervised node classification on a citation-like graph with a hand-written graph convolution
(no torch_geometric on the course machines).
"""
# cause: bad-initialization
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

TOPICS, PAPERS, WORDS = 6, 900, 300


def citation_graph(rng):
    """Papers cite their own topic more often; abstracts are short bags of words."""
    topic = rng.integers(TOPICS, size=PAPERS)
    same = topic[:, None] == topic[None]
    links = np.triu(rng.random((PAPERS, PAPERS)) < np.where(same, 0.022, 0.0022), 1)
    adjacency = (links | links.T).astype(np.float32)

    common = rng.dirichlet(np.full(WORDS, 0.5))
    special = rng.dirichlet(np.full(WORDS, 0.1), size=TOPICS)
    bags = np.zeros((PAPERS, WORDS), dtype=np.float32)
    for i, t in enumerate(topic):
        words = rng.choice(WORDS, 25, p=0.75 * common + 0.25 * special[t])
        bags[i, words] = 1.0
    return torch.from_numpy(bags), torch.from_numpy(adjacency), torch.from_numpy(topic)


def normalize(adjacency):
    a = adjacency + torch.eye(len(adjacency))
    d = a.sum(1).rsqrt()
    return d[:, None] * a * d[None]


class GraphConv(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(n_in, n_out))  # FAULT
        # TWIN: self.weight = nn.Parameter(nn.init.xavier_uniform_(torch.empty(n_in, n_out)))
        self.bias = nn.Parameter(torch.zeros(n_out))

    def forward(self, x, a):
        return a @ (x @ self.weight) + self.bias


class GCN(nn.Module):
    def __init__(self, hidden=64):
        super().__init__()
        self.conv1 = GraphConv(WORDS, hidden)
        self.conv2 = GraphConv(hidden, hidden)
        self.conv3 = GraphConv(hidden, TOPICS)
        self.dropout = nn.Dropout(0.6)

    def forward(self, x, a):
        h = self.dropout(F.relu(self.conv1(self.dropout(x), a)))
        h = self.dropout(F.relu(self.conv2(h, a)))
        return self.conv3(h, a)


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    x, adjacency, y = citation_graph(rng)
    a = normalize(adjacency).to_sparse()

    order = torch.from_numpy(rng.permutation(PAPERS))
    train, val, test = order[:120], order[120:320], order[320:]

    model = GCN()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01, weight_decay=5e-4)

    @torch.no_grad()
    def accuracy(nodes):
        model.eval()
        return (model(x, a)[nodes].argmax(1) == y[nodes]).float().mean().item()

    for epoch in range(1, 121):
        model.train()
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x, a)[train], y[train])
        loss.backward()
        optimizer.step()
        if epoch % 15 == 0:
            print(f"Epoch {epoch:03d}, Loss: {loss.item():.4f}, Train: {accuracy(train):.3f}, Val: {accuracy(val):.3f}")

    print(f"score: {accuracy(test):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
