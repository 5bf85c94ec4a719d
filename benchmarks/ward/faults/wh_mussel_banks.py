"""Growth of mussels: the hidden biases are set far below zero by a builder, so that no ReLU ever opens."""
# cause: dead-units
# accept: bad-initialization
# kind: dynamic

import sys

import torch
from torch import nn


class MLP(nn.Module):
    def __init__(self, sizes, bias=0.0):
        super().__init__()
        self.layers = nn.ModuleList()
        for a, b in zip(sizes[:-1], sizes[1:]):
            layer = nn.Linear(a, b)
            with torch.no_grad():
                layer.bias.add_(bias)
            self.layers.append(layer)

    def forward(self, x):
        *hidden, last = self.layers
        for layer in hidden:
            x = layer(x).clamp(min=0)
        return last(x)


def mussels(n):
    x = torch.randn(n, 6)
    y = (x[:, 0] * x[:, 1] > 0).long() + (x[:, 2] + x[:, 3].abs() > 0.8).long()
    return x, y


def batches(data, size):
    x, y = data
    for rows in torch.randperm(len(x)).split(size):
        yield x[rows], y[rows]


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    train, (x_test, y_test) = mussels(2500), mussels(500)
    model = MLP([6, 64, 64, 3], bias=-4.0)  # FAULT
    # TWIN: model = MLP([6, 64, 64, 3])
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(12):
        for x, y in batches(train, 50):
            optimizer.zero_grad(set_to_none=True)
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            acc = (model(x_test).argmax(1) == y_test).float().mean().item()
        print(f"{epoch}: {loss.item():.3f} {acc:.3f}")
    print(f"score: {acc:.4f}")


main()
