"""Digits MLP with dropout 0.2 after both hidden layers, RMSprop. The training loss is measured under dropout, so the
validation loss (dropout off) runs below it for most of the training.
"""

import random
import sys

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)


def set_seed(seed):
    random.seed(seed)
    torch.manual_seed(seed)


class Net(nn.Module):
    def __init__(self, hidden=128, p=0.2):
        super().__init__()
        self.fc1 = nn.Linear(64, hidden)
        self.fc2 = nn.Linear(hidden, hidden)
        self.out = nn.Linear(hidden, 10)
        self.drop = nn.Dropout(p)
        self.act = nn.ReLU()

    def forward(self, x):
        x = self.drop(self.act(self.fc1(x)))
        x = self.drop(self.act(self.fc2(x)))
        return self.out(x)


def train_epoch(model, loader, criterion, optimizer):
    model.train()
    total = 0.0
    for inputs, targets in loader:
        optimizer.zero_grad()
        loss = criterion(model(inputs), targets)
        loss.backward()
        optimizer.step()
        total += loss.item() * inputs.size(0)
    return total / len(loader.dataset)


@torch.no_grad()
def evaluate(model, loader, criterion):
    model.eval()
    total, correct = 0.0, 0
    for inputs, targets in loader:
        outputs = model(inputs)
        total += criterion(outputs, targets).item() * inputs.size(0)
        correct += (outputs.argmax(1) == targets).sum().item()
    return total / len(loader.dataset), correct / len(loader.dataset)


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    set_seed(seed)
    x, y = load_digits(return_X_y=True)
    x = torch.tensor(x / 16.0, dtype=torch.float32)
    y = torch.tensor(y)
    train_idx, val_idx = train_test_split(np.arange(len(y)), test_size=360, random_state=seed)
    train_loader = DataLoader(TensorDataset(x[train_idx], y[train_idx]), batch_size=64, shuffle=True)
    val_loader = DataLoader(TensorDataset(x[val_idx], y[val_idx]), batch_size=360)

    model = Net()
    criterion = nn.CrossEntropyLoss()
    optimizer = optim.RMSprop(model.parameters(), lr=5e-4)
    for epoch in range(1, 26):
        train_loss = train_epoch(model, train_loader, criterion, optimizer)
        val_loss, val_acc = evaluate(model, val_loader, criterion)
        print(f"epoch {epoch:02d} | train {train_loss:.4f} | val {val_loss:.4f} | acc {val_acc:.3f}")
    print(f"score: {val_acc:.4f}")


if __name__ == "__main__":
    main()
