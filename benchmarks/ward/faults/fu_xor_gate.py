"""Learns the XOR gate with two softmax outputs: the four corners of the square, measured with a little
noise, are sorted into "one input on" and "not".

After https://ai.stackexchange.com/questions/27010/why-does-my-neural-network-to-solve-the-xor-problem-always-output-0-5
"""
# cause: underfitting
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn


def make_gate(n, rng):
    bits = rng.integers(0, 2, size=(n, 2))
    x = bits + rng.normal(0, 0.08, size=(n, 2))
    y1 = bits[:, 0] ^ bits[:, 1]
    y = np.stack([y1, 1 - y1], axis=1)  # y1: xor is true, y2: xor is false
    return torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)


class XorNet(nn.Module):
    def __init__(self):
        super().__init__()
        neurons = 1  # FAULT
        # TWIN: neurons = 8
        self.s = nn.Linear(2, neurons)
        self.c = nn.Linear(neurons, 2)

    def forward(self, x):
        s = torch.sigmoid(self.s(x))
        return self.c(s)


def cross_entropy(scores, y):
    return -(y * torch.log_softmax(scores, dim=1)).sum(dim=1).mean()


def accuracy(net, x, y):
    with torch.no_grad():
        guess = net(x).argmax(dim=1)
    return (guess == y.argmax(dim=1)).float().mean().item()


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)

    train_x, train_y = make_gate(400, rng)
    test_x, test_y = make_gate(400, rng)

    net = XorNet()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.2, momentum=0.9)

    for epoch in range(100):
        order = torch.randperm(len(train_x))
        total = 0.0
        for start in range(0, len(order), 40):
            rows = order[start : start + 40]
            optimizer.zero_grad()
            loss = cross_entropy(net(train_x[rows]), train_y[rows])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        if epoch % 10 == 9:
            acc = accuracy(net, train_x, train_y)
            print(f"epoch {epoch + 1:3d}  loss {total / len(train_x):.4f}  train accuracy {acc:.3f}")

    corners = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    with torch.no_grad():
        for corner, p in zip(corners.tolist(), torch.softmax(net(corners), dim=1).tolist()):
            print(f"{corner} -> {p[0]:.3f} {p[1]:.3f}")

    print(f"score: {accuracy(net, test_x, test_y):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
