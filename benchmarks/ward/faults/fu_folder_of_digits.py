"""Trains a dense network on handwritten digits that lie in one folder per class, read folder after folder.

After https://dailydoseofds.beehiiv.com/p/why-is-it-important-to-shuffle-your
"""
# cause: unshuffled-data
# kind: dynamic

import sys

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, Dataset


class DigitFolders(Dataset):
    """All images of class 0, then all of class 1, and so on, as the folders are listed."""

    def __init__(self, images, labels):
        self.samples = []
        for digit in range(10):
            for image in images[labels == digit]:
                self.samples.append((torch.tensor(image, dtype=torch.float32), digit))

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, i):
        return self.samples[i]


def accuracy(net, loader):
    net.eval()
    hits = 0
    with torch.no_grad():
        for x, y in loader:
            hits += (net(x).argmax(1) == y).sum().item()
    return hits / len(loader.dataset)


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    np.random.seed(seed)

    digits = load_digits()
    train_x, test_x, train_y, test_y = train_test_split(
        digits.data / 16.0, digits.target, test_size=0.25, stratify=digits.target, random_state=seed
    )

    train_loader = DataLoader(DigitFolders(train_x, train_y), batch_size=32)  # FAULT
    # TWIN: train_loader = DataLoader(DigitFolders(train_x, train_y), batch_size=32, shuffle=True)
    test_loader = DataLoader(DigitFolders(test_x, test_y), batch_size=128)

    net = nn.Sequential(
        nn.Linear(64, 64),
        nn.ReLU(),
        nn.Linear(64, 32),
        nn.ReLU(),
        nn.Linear(32, 10),
    )
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    criterion = nn.CrossEntropyLoss()

    for epoch in range(20):
        net.train()
        losses = []
        for x, y in train_loader:
            optimizer.zero_grad()
            loss = criterion(net(x), y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        print(
            f"epoch {epoch + 1:2d}: training loss {np.mean(losses):.4f}, test accuracy {accuracy(net, test_loader):.4f}"
        )

    print(f"score: {accuracy(net, test_loader):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
