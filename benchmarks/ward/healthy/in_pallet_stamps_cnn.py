"""Reads the stamp on a wooden pallet (one of six signs) from a 16 x 16 picture; a small convolutional network."""

import argparse

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset


class Stamps(Dataset):
    def __init__(self, n, seed):
        signs = (np.random.default_rng(5).random((6, 8, 8)) < 0.4).astype(np.float32)
        rng = np.random.default_rng(seed)
        self.labels = torch.from_numpy(rng.integers(6, size=n))
        pictures = rng.normal(0, 0.25, size=(n, 1, 16, 16)).astype(np.float32)
        for i, label in enumerate(self.labels.tolist()):
            top, left = rng.integers(2, 7, size=2)
            pictures[i, 0, top : top + 8, left : left + 8] += signs[label] * rng.uniform(0.7, 1.3)
        self.pictures = torch.from_numpy((pictures - 0.1) / 0.42)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        return self.pictures[index], self.labels[index]


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1)
        self.dropout = nn.Dropout(0.25)
        self.fc1 = nn.Linear(32 * 16, 64)
        self.fc2 = nn.Linear(64, 6)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = self.dropout(x.flatten(1))
        return self.fc2(F.relu(self.fc1(x)))


def train(model, loader, optimizer, epoch):
    model.train()
    for batch, (pictures, labels) in enumerate(loader):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(pictures), labels)
        loss.backward()
        optimizer.step()
        if batch % 20 == 0:
            print(f"train epoch {epoch} [{batch * len(labels)}/{len(loader.dataset)}]\tloss {loss.item():.4f}")


def test(model, loader):
    model.eval()
    loss = correct = 0
    with torch.no_grad():
        for pictures, labels in loader:
            output = model(pictures)
            loss += F.cross_entropy(output, labels, reduction="sum").item()
            correct += (output.argmax(1) == labels).sum().item()
    n = len(loader.dataset)
    print(f"test: mean loss {loss / n:.4f}, accuracy {correct}/{n}")
    return correct / n


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", type=int, nargs="?", default=0)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--lr", type=float, default=1e-3)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    train_loader = DataLoader(Stamps(2500, args.seed), batch_size=32, shuffle=True)
    test_loader = DataLoader(Stamps(500, args.seed + 1000), batch_size=250)
    model = Net()
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=4, gamma=0.3)
    for epoch in range(1, args.epochs + 1):
        train(model, train_loader, optimizer, epoch)
        accuracy = test(model, test_loader)
        scheduler.step()
    print(f"score: {accuracy:.4f}")


if __name__ == "__main__":
    main()
