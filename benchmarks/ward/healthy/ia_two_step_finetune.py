"""Learns to name shapes, then keeps the layers as they are and learns colours' names from the same features: the
backbone is frozen, in evaluation mode, and only the new head gets gradients."""

import sys

import torch
from torch import nn


def world(n, kinds):
    y = torch.randint(len(kinds), (n,))
    return kinds[y] + 0.9 * torch.randn(n, kinds.shape[1]), y


def fit(body, head, data, epochs, train_body):
    body.requires_grad_(train_body)
    weights = [p for p in [*body.parameters(), *head.parameters()] if p.requires_grad]
    optimizer = torch.optim.Adam(weights, lr=2e-3)
    criterion = nn.CrossEntropyLoss()
    x, y = data
    for epoch in range(epochs):
        body.train(train_body)
        head.train()
        total = 0.0
        for rows in torch.randperm(len(x)).split(40):
            loss = criterion(head(body(x[rows])), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        print(f"epoch {epoch} loss {total / len(x):.4f}")


def accuracy(body, head, data):
    body.eval()
    head.eval()
    with torch.no_grad():
        return (head(body(data[0])).argmax(1) == data[1]).float().mean().item()


def main():
    torch.set_num_threads(1)
    torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    shapes, colours = torch.randn(12, 24), torch.randn(6, 24)
    body = nn.Sequential(
        nn.Linear(24, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 64), nn.BatchNorm1d(64), nn.ReLU()
    )
    first, second = nn.Linear(64, 12), nn.Linear(64, 6)
    fit(body, first, world(2000, shapes), 6, train_body=True)
    print(f"shapes {accuracy(body, first, world(500, shapes)):.4f}")
    fit(body, second, world(800, colours), 20, train_body=False)
    print(f"score: {accuracy(body, second, world(500, colours)):.4f}")


main()
