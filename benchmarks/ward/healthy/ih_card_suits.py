"""Classifies the suit of playing cards from small colour photographs: a small CNN with batch norm."""

import argparse

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset

SUITS = ["spades", "hearts", "diamonds", "clubs"]


def pip(suit, size, rng):
    grid = np.linspace(-1.3, 1.3, size)
    y, x = np.meshgrid(grid, grid, indexing="ij")
    angle = rng.uniform(-0.4, 0.4) + (np.pi if rng.random() < 0.3 else 0)
    x, y = x * np.cos(angle) - y * np.sin(angle), x * np.sin(angle) + y * np.cos(angle)
    x, y = x + rng.uniform(-0.25, 0.25), y + rng.uniform(-0.25, 0.25)
    if suit == "diamonds":
        return np.abs(x) / 0.7 + np.abs(y) < 0.9
    if suit == "clubs":
        leaves = [(0, -0.45), (-0.45, 0.15), (0.45, 0.15)]
        shape = np.any([(x - a) ** 2 + (y - b) ** 2 < 0.16 for a, b in leaves], axis=0)
    else:
        turned = y if suit == "spades" else -y
        shape = (np.abs(x) < 0.8) & (turned < 0.45) & (turned > 1.6 * np.abs(x) - 0.9)
    if suit != "hearts":
        shape |= (np.abs(x) < 0.12) & (y > 0) & (y < 0.9)
    return shape


class CardDataset(Dataset):
    def __init__(self, n, seed, size=20):
        rng = np.random.default_rng(seed)
        self.labels = rng.integers(0, 4, n)
        images = np.empty((n, 3, size, size), dtype=np.float32)
        for i, label in enumerate(self.labels):
            paper = rng.uniform(0.7, 1.0)
            # under the lamp of the gaming room red and black are hard to tell apart
            ink = np.array([rng.uniform(0.1, 0.6), 0.15, 0.15])[:, None, None]
            shape = pip(SUITS[label], size, rng)[None]
            images[i] = np.where(shape, ink, paper) + rng.normal(scale=0.08, size=(3, size, size))
        self.images = torch.from_numpy((images - 0.6) / 0.3)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        return self.images[i], self.labels[i]


class SuitNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 12, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(12)
        self.conv2 = nn.Conv2d(12, 24, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(24)
        self.drop = nn.Dropout(0.2)
        self.fc = nn.Linear(24 * 5 * 5, 4)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 2)
        x = F.max_pool2d(F.relu(self.bn2(self.conv2(x))), 2)
        return self.fc(self.drop(x.flatten(1)))


def evaluate(model, loader):
    model.eval()
    loss, correct = 0.0, 0
    with torch.no_grad():
        for x, y in loader:
            logits = model(x)
            loss += F.cross_entropy(logits, y, reduction="sum").item()
            correct += (logits.argmax(1) == y).sum().item()
    return loss / len(loader.dataset), correct / len(loader.dataset)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", nargs="?", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--lr", type=float, default=0.02)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)

    train_loader = DataLoader(CardDataset(2400, args.seed), batch_size=args.batch_size, shuffle=True)
    test_loader = DataLoader(CardDataset(500, args.seed + 9000), batch_size=250)
    model = SuitNet()
    optimizer = torch.optim.SGD(model.parameters(), lr=args.lr, momentum=0.9, weight_decay=5e-4)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=3, gamma=0.3)
    for epoch in range(1, args.epochs + 1):
        model.train()
        for x, y in train_loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
        scheduler.step()
        test_loss, accuracy = evaluate(model, test_loader)
        print(f"Epoch: {epoch} | Train Loss: {loss.item():.4f} | Test Loss: {test_loss:.4f} | Acc: {accuracy:.4f}")
    print(f"score: {accuracy:.4f}")


if __name__ == "__main__":
    main()
