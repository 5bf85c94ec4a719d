"""Digits by an MLP whose blocks take their activation from a table of callables; so does the head."""
# cause: nonlinear-logits
# kind: dynamic

import argparse
import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

ACTIVATIONS = {"relu": F.relu, "gelu": F.gelu, "tanh": torch.tanh, "none": lambda x: x}


class Block(nn.Module):
    def __init__(self, n_in, n_out, act="relu"):
        super().__init__()
        self.fc = nn.Linear(n_in, n_out)
        self.act = ACTIVATIONS[act]

    def forward(self, x):
        return self.act(self.fc(x))


class Classifier(nn.Module):
    def __init__(self, widths, classes, act):
        super().__init__()
        self.blocks = nn.ModuleList(Block(a, b, act) for a, b in zip(widths[:-1], widths[1:]))
        self.head = Block(widths[-1], classes, act)  # FAULT
        # TWIN: self.head = Block(widths[-1], classes, "none")

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return self.head(x)


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", nargs="?", type=int, default=0)
    parser.add_argument("--act", default="relu", choices=sorted(ACTIVATIONS))
    parser.add_argument("--lr", type=float, default=0.05)
    parser.add_argument("--epochs", type=int, default=12)
    return parser.parse_args()


def batches(x, y, size):
    order = torch.randperm(len(x))
    for i in range(0, len(x), size):
        rows = order[i : i + size]
        yield x[rows], y[rows]


def main():
    args = parse()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    digits = load_digits()
    x = torch.tensor(digits.data, dtype=torch.float32) / 16
    y = torch.tensor(digits.target)
    order = torch.randperm(len(x))
    train, test = order[:1300], order[1300:]
    model = Classifier([64, 64, 64], 10, args.act)
    optimizer = torch.optim.SGD(model.parameters(), lr=args.lr, momentum=0.9)
    criterion = F.cross_entropy
    for epoch in range(args.epochs):
        model.train()
        for xb, yb in batches(x[train], y[train], 32):
            loss = criterion(model(xb), yb)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(epoch, loss.item())
    model.eval()
    with torch.no_grad():
        hit = (model(x[test]).argmax(1) == y[test]).float().mean().item()
    print(f"score: {hit:.4f}")


if __name__ == "__main__":
    sys.exit(main())
