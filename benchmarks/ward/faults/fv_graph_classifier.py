"""Graph convolutional network that classifies small synthetic protein graphs: aggregation layers, an average readout and
two fully connected layers, with accuracy on held-out graphs.

After https://github.com/qbxlvnf11/graph-neural-networks-for-graph-classification/pull/3
"""
# cause: unregistered-parameters
# accept: parameters-not-in-optimizer
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

NODES = 16
FEATURES = 20


def make_graphs(rng, count):
    """Graphs whose class is whether the two marked kinds of residue tend to be neighbours."""
    adjacency = np.zeros((count, NODES, NODES), dtype=np.float32)
    features = rng.normal(0, 1, (count, NODES, FEATURES)).astype(np.float32)
    labels = rng.integers(0, 2, count)
    for g in range(count):
        for a in range(1, NODES):
            b = rng.integers(max(0, a - 4), a)
            adjacency[g, a, b] = adjacency[g, b, a] = 1
        marked = rng.choice(NODES, 6, replace=False)
        sign = 1.0 if labels[g] else -1.0
        features[g, marked, 0] += 2.0 * sign
        features[g, marked, 1] += 2.0
        others = np.setdiff1d(np.arange(NODES), marked)[:6]
        features[g, others, 0] -= 2.0 * sign
        features[g, others, 1] -= 2.0
    adjacency += np.eye(NODES, dtype=np.float32)
    degree = adjacency.sum(2, keepdims=True)
    return torch.from_numpy(features), torch.from_numpy(adjacency / degree), torch.from_numpy(labels)


class GraphConv(nn.Module):
    def __init__(self, in_features, out_features):
        super().__init__()
        self.fc = nn.Linear(in_features, out_features)

    def forward(self, x, adjacency):
        return F.relu(self.fc(torch.bmm(adjacency, x)))


class GCN(nn.Module):
    def __init__(self, n_feat, n_class, n_agg_layer=2, agg_hidden=8, fc_hidden=16):
        super().__init__()
        sizes = [n_feat] + [agg_hidden] * n_agg_layer
        self.graph_convolution_layers = [GraphConv(a, b) for a, b in zip(sizes, sizes[1:])]  # FAULT
        # TWIN: self.graph_convolution_layers = nn.ModuleList(GraphConv(a, b) for a, b in zip(sizes, sizes[1:]))
        self.fc1 = nn.Linear(agg_hidden, fc_hidden)
        self.fc2 = nn.Linear(fc_hidden, n_class)

    def forward(self, x, adjacency):
        for layer in self.graph_convolution_layers:
            x = layer(x, adjacency)
        x = x.mean(1)
        return self.fc2(F.relu(self.fc1(x)))


def test(model, data):
    model.eval()
    with torch.no_grad():
        predicted = model(data[0], data[1]).argmax(1)
    return (predicted == data[2]).float().mean().item()


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    train, held_out = make_graphs(rng, 1000), make_graphs(rng, 400)

    model = GCN(FEATURES, 2)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.005, weight_decay=1e-5)

    for epoch in range(20):
        model.train()
        losses = []
        for index in torch.randperm(len(train[0])).split(32):
            optimizer.zero_grad()
            output = model(train[0][index], train[1][index])
            loss = criterion(output, train[2][index])
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        if epoch % 4 == 3:
            print(
                f"Epoch {epoch + 1}, loss {np.mean(losses):.4f}, train {test(model, train):.3f}, test {test(model, held_out):.3f}"
            )

    print(f"score: {test(model, held_out):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
