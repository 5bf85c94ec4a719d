"""Digits with a ten-layer tanh tower whose weights are drawn with standard deviation 0.02.

Every layer shrinks the signal, forward and backward, so the lower layers stay where they are.
"""
# cause: vanishing-gradient
# accept: bad-initialization
# kind: dynamic

import argparse

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split


class Tower(nn.Module):
    def __init__(self, depth=10, width=64):
        super().__init__()
        self.inp = nn.Linear(64, width)
        self.hidden = nn.ModuleList([nn.Linear(width, width) for _ in range(depth - 1)])
        self.out = nn.Linear(width, 10)
        self.apply(self._init)

    def _init(self, m):
        if isinstance(m, nn.Linear):
            nn.init.normal_(m.weight, std=0.02)  # FAULT
            # TWIN: nn.init.xavier_normal_(m.weight)
            nn.init.zeros_(m.bias)

    def forward(self, x):
        x = torch.tanh(self.inp(x))
        for layer in self.hidden:
            x = torch.tanh(layer(x))
        return self.out(x)


def evaluate(net, loader):
    net.eval()
    loss, correct, n = 0.0, 0, 0
    with torch.no_grad():
        for x, y in loader:
            out = net(x)
            loss += F.cross_entropy(out, y, reduction="sum").item()
            correct += out.argmax(1).eq(y).sum().item()
            n += len(y)
    return loss / n, correct / n


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", type=int, nargs="?", default=0)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--lr", type=float, default=0.01)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)

    digits = load_digits()
    data = TensorDataset(torch.tensor(digits.data / 8 - 1).float(), torch.tensor(digits.target))
    train, val = random_split(data, [1400, len(data) - 1400])
    train_loader = DataLoader(train, batch_size=32, shuffle=True)
    val_loader = DataLoader(val, batch_size=256)

    net = Tower()
    optimizer = torch.optim.SGD(net.parameters(), lr=args.lr, momentum=0.9)
    for epoch in range(args.epochs):
        net.train()
        running = 0.0
        for x, y in train_loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x), y)
            loss.backward()
            optimizer.step()
            running += loss.item()
        val_loss, val_acc = evaluate(net, val_loader)
        print(f"{epoch}: train {running / len(train_loader):.4f} val {val_loss:.4f} acc {val_acc:.3f}")
    print(f"score: {val_acc:.4f}")


if __name__ == "__main__":
    main()
