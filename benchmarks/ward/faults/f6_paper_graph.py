"""Graph convolution on an invented citation network: 600 papers, 5 topics, 380 labelled papers, full batch.

The graph convolutions sit in a plain Python list, so model.parameters() holds only the last linear layer.
"""
# cause: unregistered-parameters
# accept: parameters-not-in-optimizer
# kind: dynamic

import argparse

import torch
import torch.nn.functional as F
from torch import nn

TOPICS, WORDS, PAPERS = 5, 100, 600


def citation_network():
    topic = torch.randint(0, TOPICS, (PAPERS,))
    same = topic[:, None] == topic[None, :]
    link = torch.rand(PAPERS, PAPERS) < torch.where(same, 0.03, 0.003)
    adjacency = torch.triu(link, 1).float()
    adjacency = adjacency + adjacency.T + torch.eye(PAPERS)
    degree = adjacency.sum(1)
    adjacency = adjacency / (degree[:, None] * degree[None, :]).sqrt()
    usual = torch.rand(TOPICS, WORDS) < 0.15
    words = torch.rand(PAPERS, WORDS) < torch.where(usual[topic], 0.22, 0.07)
    return adjacency, words.float() - words.float().mean(0), topic


class GraphConv(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.linear = nn.Linear(n_in, n_out)

    def forward(self, x, adjacency):
        return adjacency @ self.linear(x)


class GCN(nn.Module):
    def __init__(self, widths, dropout):
        super().__init__()
        self.convs = [GraphConv(a, b) for a, b in zip(widths, widths[1:], strict=False)]
        # TWIN: self.convs = nn.ModuleList(self.convs)
        self.dropout = nn.Dropout(dropout)
        self.out = nn.Linear(widths[-1], TOPICS)

    def forward(self, x, adjacency):
        for conv in self.convs:
            x = self.dropout(F.relu(conv(x, adjacency)))
        return self.out(x)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", nargs="?", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=80)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    adjacency, x, topic = citation_network()
    order = torch.randperm(PAPERS)
    train, val = order[:380], order[380:]
    model = GCN([WORDS, 16, 16], dropout=0.5)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01, weight_decay=5e-3)

    for epoch in range(args.epochs):
        model.train()
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x, adjacency)[train], topic[train])
        loss.backward()
        optimizer.step()
        if epoch % 20 == 19:
            model.eval()
            with torch.no_grad():
                logits = model(x, adjacency)
            val_loss = F.cross_entropy(logits[val], topic[val]).item()
            acc = (logits[val].argmax(1) == topic[val]).float().mean().item()
            print(f"Epoch {epoch + 1:03d} | train {loss.item():.4f} | val {val_loss:.4f} | acc {acc:.4f}")
    print(f"score: {acc:.4f}")


if __name__ == "__main__":
    main()
