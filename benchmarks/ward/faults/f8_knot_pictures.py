"""Tells eight sailors' knots apart on pictures of 12 by 12 points. The rate comes from a recipe for large batches."""
# cause: learning-rate-too-high
# kind: dynamic

import argparse

import torch
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

KNOTS, SIDE = 8, 12


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", type=int, nargs="?", default=0)
    parser.add_argument("--lr", type=float, default=0.1)  # FAULT
    # TWIN: parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--batch", type=int, default=32)
    return parser.parse_args()


def pictures(n, knots):
    y = torch.randint(KNOTS, (n,))
    x = knots[y]
    x = torch.where(torch.rand(n, 1, 1, 1) < 0.5, x, x.flip(3))
    return TensorDataset((x + 0.9 * torch.randn_like(x)) / 1.35, y)


class KnotNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.fc1 = nn.Linear(32 * 9, 48)
        self.fc2 = nn.Linear(48, KNOTS)

    def forward(self, x):
        x = self.pool(torch.relu(self.conv1(x)))
        x = self.pool(torch.relu(self.conv2(x)))
        return self.fc2(torch.relu(self.fc1(x.flatten(1))))


def main():
    args = parse()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    knots = nn.functional.interpolate(torch.randn(KNOTS, 1, 4, 4), size=SIDE, mode="bicubic")
    train = DataLoader(pictures(1200, knots), batch_size=args.batch, shuffle=True)
    test = DataLoader(pictures(400, knots), batch_size=200)
    net = KnotNet()
    optimizer = optim.RMSprop(net.parameters(), lr=args.lr)
    criterion = nn.CrossEntropyLoss()
    log = []
    for _ in range(args.epochs):
        net.train()
        total = 0.0
        for x, y in train:
            loss = criterion(net(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        net.eval()
        with torch.no_grad():
            right = sum((net(x).argmax(1) == y).sum().item() for x, y in test)
        log.append({"train": total / len(train), "accuracy": right / len(test.dataset)})
        print(len(log), log[-1])
    print(f"score: {log[-1]['accuracy']:.4f}")


if __name__ == "__main__":
    main()
