"""The rate goes up and down in triangles, four times; the loss breathes with it."""

import argparse

import torch
import torch.nn as nn
import torch.optim as optim
from torch.utils.data import DataLoader, TensorDataset


def get_args():
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", nargs="?", type=int, default=0)
    parser.add_argument("--low", type=float, default=0.005)
    parser.add_argument("--high", type=float, default=0.1)
    parser.add_argument("--cycles", type=int, default=4)
    return parser.parse_args()


def shells(n, kinds):
    y = torch.randint(len(kinds), (n,))
    return TensorDataset((kinds[y] + 0.9 * torch.randn(n, 1, 32)) / 1.3, y)


def main():
    args = get_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    kinds = nn.functional.interpolate(torch.randn(6, 1, 10), size=32, mode="linear")
    train = DataLoader(shells(1200, kinds), batch_size=40, shuffle=True)
    test = DataLoader(shells(400, kinds), batch_size=200)
    model = nn.Sequential(
        nn.Conv1d(1, 12, 5, padding=2), nn.ReLU(), nn.MaxPool1d(2), nn.Flatten(), nn.Linear(12 * 16, 6)
    )
    optimizer = optim.SGD(model.parameters(), lr=args.low, momentum=0.9, weight_decay=1e-3)
    epochs = 2 * args.cycles
    scheduler = optim.lr_scheduler.CyclicLR(
        optimizer, args.low, args.high, step_size_up=len(train), mode="triangular2", cycle_momentum=False
    )
    criterion = nn.CrossEntropyLoss()
    for epoch in range(epochs):
        model.train()
        total = 0.0
        for x, y in train:
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
            scheduler.step()
            total += loss.item()
        model.eval()
        with torch.no_grad():
            right = sum((model(x).argmax(1) == y).sum().item() for x, y in test) / len(test.dataset)
        print(f"epoch {epoch} rate {scheduler.get_last_lr()[0]:.4f} loss {total / len(train):.4f} right {right:.4f}")
    print(f"score: {right:.4f}")


main()
