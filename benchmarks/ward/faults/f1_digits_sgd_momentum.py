"""Digits with a two-layer MLP, SGD with momentum 0.9 and a learning rate of 1 (TDC high_lr)."""
# cause: learning-rate-too-high
# kind: dynamic

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, Dataset, random_split


class Digits(Dataset):
    def __init__(self):
        bunch = load_digits()
        self.x = torch.tensor(bunch.data, dtype=torch.float32) / 16.0
        self.y = torch.tensor(bunch.target, dtype=torch.long)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return self.x[i], self.y[i]


class MLP(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(64, 80)
        self.fc2 = nn.Linear(80, 10)

    def forward(self, x):
        return self.fc2(F.relu(self.fc1(x)))


def train_one_epoch(model, loader, optimizer):
    model.train()
    total = 0.0
    for data, target in loader:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(data), target)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(target)
    return total / len(loader.dataset)


def test(model, loader):
    model.eval()
    test_loss, correct = 0.0, 0
    with torch.no_grad():
        for data, target in loader:
            output = model(data)
            test_loss += F.cross_entropy(output, target, reduction="sum").item()
            correct += output.argmax(dim=1).eq(target).sum().item()
    return test_loss / len(loader.dataset), correct / len(loader.dataset)


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    train_set, test_set = random_split(Digits(), [1397, 400])
    train_loader = DataLoader(train_set, batch_size=64, shuffle=True)
    test_loader = DataLoader(test_set, batch_size=400)

    model = MLP()
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0, momentum=0.9)  # FAULT
    # TWIN: optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for epoch in range(1, 16):
        train_loss = train_one_epoch(model, train_loader, optimizer)
        test_loss, acc = test(model, test_loader)
        print(f"Epoch {epoch}: train loss {train_loss:.4f}, test loss {test_loss:.4f}, accuracy {acc:.4f}")
    print(f"score: {acc:.4f}")


if __name__ == "__main__":
    main()
