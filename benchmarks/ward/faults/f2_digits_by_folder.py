"""Digits read class by class (as from ten folders), CNN trained for a few epochs with a DataLoader.

Fault: the data are sorted by class and the loader does not shuffle (defects4ml 091).
"""
# cause: unshuffled-data
# kind: dynamic

import sys

import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)


def read_folders(seed):
    digits = load_digits()
    gen = torch.Generator().manual_seed(seed)
    images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 16.0
    labels = torch.tensor(digits.target)
    train_parts, test_parts = [], []
    for digit in range(10):
        rows = torch.nonzero(labels == digit).flatten()
        rows = rows[torch.randperm(len(rows), generator=gen)]
        train_parts.append(rows[40:])
        test_parts.append(rows[:40])
    train_rows, test_rows = torch.cat(train_parts), torch.cat(test_parts)
    return TensorDataset(images[train_rows], labels[train_rows]), TensorDataset(images[test_rows], labels[test_rows])


class ConvNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 10, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(10, 20, 3, padding=1), nn.ReLU()
        )
        self.classifier = nn.Linear(20 * 16, 10)

    def forward(self, x):
        return self.classifier(self.features(x).flatten(1))


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    train_set, test_set = read_folders(seed)
    train_loader = DataLoader(train_set, batch_size=16, shuffle=False)  # FAULT
    # TWIN: train_loader = DataLoader(train_set, batch_size=16, shuffle=True)
    test_loader = DataLoader(test_set, batch_size=200)

    model = ConvNet()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for epoch in range(6):
        model.train()
        for i, (images, labels) in enumerate(train_loader):
            optimizer.zero_grad()
            loss = criterion(model(images), labels)
            loss.backward()
            optimizer.step()
            if i % 25 == 0:
                print(f"epoch {epoch} batch {i} loss {loss.item():.4f}")
        model.eval()
        correct = 0
        with torch.no_grad():
            for images, labels in test_loader:
                correct += model(images).argmax(1).eq(labels).sum().item()
        accuracy = correct / len(test_set)
        print(f"epoch {epoch} test accuracy {accuracy:.4f}")
    print(f"score: {accuracy:.4f}")


if __name__ == "__main__":
    main()
