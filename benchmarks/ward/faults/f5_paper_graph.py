"""Node classification on a random community graph with a four-layer graph convolution, written by hand.

Fault: messages are summed with the raw adjacency matrix (it was never divided by the degrees), so every layer
multiplies signal and gradient by about the degree.
"""
# cause: exploding-gradient
# kind: dynamic

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F


class GraphConv(nn.Module):
    def __init__(self, d_in, d_out):
        super().__init__()
        self.lin = nn.Linear(d_in, d_out)

    def forward(self, x, adj):
        return adj @ self.lin(x)


class GCN(nn.Module):
    def __init__(self, d_in, hidden, classes):
        super().__init__()
        self.conv1 = GraphConv(d_in, hidden)
        self.conv2 = GraphConv(hidden, hidden)
        self.conv3 = GraphConv(hidden, hidden)
        self.conv4 = GraphConv(hidden, classes)

    def forward(self, x, adj):
        x = F.relu(self.conv1(x, adj))
        x = F.relu(self.conv2(x, adj))
        x = F.relu(self.conv3(x, adj))
        return self.conv4(x, adj)


def community_graph(n, classes, gen):
    y = torch.randint(classes, (n,), generator=gen)
    same = y[:, None] == y[None, :]
    p = torch.where(same, 0.16, 0.012)
    upper = torch.triu(torch.rand(n, n, generator=gen) < p, diagonal=1).float()
    adj = upper + upper.t() + torch.eye(n)
    centers = torch.randn(classes, 24, generator=gen)
    x = centers[y] * 0.5 + torch.randn(n, 24, generator=gen)
    return x, adj, y


def main():
    torch.set_num_threads(1)
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    gen = torch.Generator().manual_seed(seed)
    x, adj, y = community_graph(500, 5, gen)
    # TWIN: adj = adj / adj.sum(1, keepdim=True)
    order = torch.randperm(500, generator=gen)
    train_idx, val_idx = order[:200], order[200:]

    model = GCN(24, 32, 5)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)
    for epoch in range(1, 201):
        model.train()
        optimizer.zero_grad()
        out = model(x, adj)
        loss = F.cross_entropy(out[train_idx], y[train_idx])
        loss.backward()
        optimizer.step()
        if epoch % 20 == 0:
            model.eval()
            with torch.no_grad():
                pred = model(x, adj).argmax(dim=1)
            acc = (pred[val_idx] == y[val_idx]).float().mean().item()
            print(f"Epoch {epoch:03d}, Loss: {loss.item():.4f}, Val: {acc:.4f}")
    print(f"score: {acc:.4f}")


if __name__ == "__main__":
    main()
