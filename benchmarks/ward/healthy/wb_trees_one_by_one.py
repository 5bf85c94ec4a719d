"""Values of arithmetic trees by a recursive net: no two trees are alike, so gradients of 128 are added up one by one
before each step. Score: R2.
"""

import random
import sys

import torch
import torch.nn as nn

torch.set_num_threads(1)


def tree(depth):
    if depth == 0 or random.random() < 0.2:
        return random.uniform(-1, 1)
    return random.choice("+-"), tree(depth - 1), tree(depth - 1)


def value(t):
    if isinstance(t, float):
        return t
    return value(t[1]) + value(t[2]) if t[0] == "+" else value(t[1]) - value(t[2])


class Recursive(nn.Module):
    def __init__(self, width=12):
        super().__init__()
        self.leaf = nn.Linear(1, width)
        self.join = nn.ModuleDict({"plus": nn.Linear(2 * width, width), "minus": nn.Linear(2 * width, width)})
        self.head = nn.Linear(width, 1)

    def read(self, t):
        if isinstance(t, float):
            return self.leaf(torch.tensor([[t]]))
        return self.join["plus" if t[0] == "+" else "minus"](torch.cat([self.read(t[1]), self.read(t[2])], 1))

    def forward(self, t):
        return self.head(torch.tanh(self.read(t) / 4) * 4).squeeze()


def main(seed):
    torch.manual_seed(seed)
    random.seed(seed)
    trees, held = [tree(2) for _ in range(256)], [tree(2) for _ in range(150)]
    net = Recursive()
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-2)
    for epoch in range(12):
        random.shuffle(trees)
        for start in range(0, 256, 128):
            optimizer.zero_grad()
            total = 0.0
            for t in trees[start : start + 128]:
                loss = (net(t) - value(t)) ** 2 / 128
                loss.backward()
                total += loss.item()
            optimizer.step()
        if epoch % 5 == 4:
            print(f"epoch {epoch}: {total:.4f}")
    with torch.no_grad():
        error = sum((net(t).item() - value(t)) ** 2 for t in held) / 150
    truth = torch.tensor([value(t) for t in held])
    print(f"score: {1 - error / truth.var().item():.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
