"""A six-layer highway network on the digits: every layer mixes a nonlinear transform and its input by a learned gate
whose bias starts at -1, so that the net begins close to the identity.
"""
# cause: learning-rate-too-high
# kind: dynamic

import argparse

import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset


class Highway(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.transform = nn.Linear(width, width)
        self.gate = nn.Linear(width, width)
        nn.init.kaiming_normal_(self.transform.weight, nonlinearity="relu")
        nn.init.constant_(self.gate.bias, -1.0)

    def forward(self, x):
        t = torch.sigmoid(self.gate(x))
        return t * torch.relu(self.transform(x)) + (1 - t) * x


class HighwayNet(nn.Module):
    def __init__(self, width=48, depth=6):
        super().__init__()
        self.inp = nn.Linear(64, width)
        self.layers = nn.Sequential(*[Highway(width) for _ in range(depth)])
        self.out = nn.Linear(width, 10)

    def forward(self, x):
        return self.out(self.layers(torch.relu(self.inp(x))))


def accuracy(model, loader):
    model.eval()
    right = total = 0
    with torch.no_grad():
        for x, y in loader:
            right += (model(x).argmax(1) == y).sum().item()
            total += len(y)
    return right / total


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", type=int, nargs="?", default=0)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--lr", type=float, default=0.04)
    opt = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(opt.seed)

    x, y = load_digits(return_X_y=True)
    x = torch.tensor((x - 8) / 6, dtype=torch.float32)
    split = train_test_split(x, torch.tensor(y), test_size=0.2, random_state=opt.seed, stratify=y)
    x_train, x_test, y_train, y_test = split
    train_loader = DataLoader(TensorDataset(x_train, y_train), batch_size=32, shuffle=True)
    test_loader = DataLoader(TensorDataset(x_test, y_test), batch_size=256)

    model = HighwayNet()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.RMSprop(model.parameters(), lr=opt.lr, momentum=0.9, weight_decay=1e-4)  # FAULT
    # TWIN: optimizer = torch.optim.SGD(model.parameters(), lr=opt.lr, momentum=0.9, weight_decay=1e-4)
    scheduler = torch.optim.lr_scheduler.PolynomialLR(optimizer, total_iters=opt.epochs, power=0.9)
    for epoch in range(opt.epochs):
        model.train()
        for x, y in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 2.0)
            optimizer.step()
        scheduler.step()
        print(f"epoch {epoch + 1:>2}/{opt.epochs}  loss {loss.item():.4f}  test acc {accuracy(model, test_loader):.4f}")
    print(f"score: {accuracy(model, test_loader):.4f}")


if __name__ == "__main__":
    main()
