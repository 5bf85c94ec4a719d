"""Net2WiderNet: train a narrow network on pinwheel data, then double the hidden layers without changing
the function (copied units, halved outgoing weights, a little noise), and go on with a new optimizer."""

import sys

import torch
from torch import nn


def pinwheel(n, arms=5):
    label = torch.randint(arms, (n,))
    radial = 1 + 0.3 * torch.randn(n)
    tangential = 0.1 * torch.randn(n)
    angle = 2 * torch.pi * label / arms + 1.6 * radial
    x = torch.stack(
        [radial * angle.cos() - tangential * angle.sin(), radial * angle.sin() + tangential * angle.cos()], 1
    )
    return x, label


@torch.no_grad()
def widen(net, factor=2, jitter=0.02):
    first, second, last = net[0], net[2], net[4]
    wide1 = nn.Linear(first.in_features, factor * first.out_features)
    wide2 = nn.Linear(factor * second.in_features, factor * second.out_features)
    wide_last = nn.Linear(factor * last.in_features, last.out_features)
    wide1.weight.copy_(first.weight.repeat(factor, 1))
    wide1.bias.copy_(first.bias.repeat(factor))
    wide2.weight.copy_(second.weight.repeat(factor, factor) / factor)
    wide2.bias.copy_(second.bias.repeat(factor))
    wide_last.weight.copy_(last.weight.repeat(1, factor) / factor)
    wide_last.bias.copy_(last.bias)
    for layer in (wide1, wide2, wide_last):  # breaks the symmetry of the copies
        layer.weight.add_(jitter * layer.weight.std() * torch.randn_like(layer.weight))
    return nn.Sequential(wide1, nn.ReLU(), wide2, nn.ReLU(), wide_last)


def fit(net, x, y, epochs, lr):
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(epochs):
        total = 0.0
        for rows in torch.randperm(len(x)).split(64):
            optimizer.zero_grad()
            loss = criterion(net(x[rows]), y[rows])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        if (epoch + 1) % 5 == 0:
            print(f"  epoch {epoch + 1}: loss {total / len(x):.4f}")


def accuracy(net, x, y):
    with torch.no_grad():
        return (net(x).argmax(1) == y).float().mean().item()


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    x, y = pinwheel(3000)
    x_train, y_train, x_test, y_test = x[:2000], y[:2000], x[2000:], y[2000:]
    net = nn.Sequential(nn.Linear(2, 12), nn.ReLU(), nn.Linear(12, 12), nn.ReLU(), nn.Linear(12, 5))
    print("narrow network")
    fit(net, x_train, y_train, epochs=20, lr=5e-3)
    print(f"narrow: test accuracy {accuracy(net, x_test, y_test):.4f}")
    net = widen(net)
    print(f"just widened: test accuracy {accuracy(net, x_test, y_test):.4f}")
    fit(net, x_train, y_train, epochs=20, lr=3e-3)
    print(f"score: {accuracy(net, x_test, y_test):.4f}")


if __name__ == "__main__":
    main()
