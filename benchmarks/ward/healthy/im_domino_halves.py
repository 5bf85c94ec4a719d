"""Reads a domino: a CNN with two heads gives the pips of the left half and of the right half."""

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

SPOTS = [(1, 1), (1, 7), (4, 1), (4, 7), (7, 1), (7, 7), (4, 4)]
FACES = [[], [6], [0, 5], [0, 5, 6], [0, 1, 4, 5], [0, 1, 4, 5, 6], [0, 1, 2, 3, 4, 5]]


class Dominoes(Dataset):
    def __init__(self, count, seed):
        rng = np.random.default_rng(seed)
        self.pips = rng.integers(0, 7, (count, 2))
        stones = rng.normal(0, 0.25, (count, 1, 12, 24))
        for stone, pips in zip(stones, self.pips, strict=True):
            dy, dx = rng.integers(0, 3, 2)
            for half, face in enumerate(pips):
                for spot in FACES[face]:
                    r, c = SPOTS[spot][0] + dy, SPOTS[spot][1] + dx + 11 * half
                    stone[0, r : r + 2, c : c + 2] += rng.uniform(0.8, 1.2)
        self.stones = ((stones - 0.2) / 0.45).astype(np.float32)

    def __len__(self):
        return len(self.pips)

    def __getitem__(self, i):
        return self.stones[i], self.pips[i, 0], self.pips[i, 1]


class DominoNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 12, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(12, 24, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(24 * 3 * 6, 64),
            nn.ReLU(),
        )
        self.left = nn.Linear(64, 7)
        self.right = nn.Linear(64, 7)

    def forward(self, stones):
        features = self.features(stones)
        return self.left(features), self.right(features)


def train_epoch(model, loader, optimizer, criterion):
    model.train()
    total = 0.0
    for stones, left, right in loader:
        left_logits, right_logits = model(stones)
        loss = criterion(left_logits, left) + criterion(right_logits, right)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(stones)
    return total / len(loader.dataset)


@torch.no_grad()
def test(model, loader):
    model.eval()
    both = 0
    for stones, left, right in loader:
        left_logits, right_logits = model(stones)
        both += ((left_logits.argmax(1) == left) & (right_logits.argmax(1) == right)).sum().item()
    return both / len(loader.dataset)


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    train_loader = DataLoader(Dominoes(2400, seed), batch_size=32, shuffle=True)
    test_loader = DataLoader(Dominoes(500, seed + 77), batch_size=125)
    model = DominoNet()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=7, gamma=0.2)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(10):
        loss = train_epoch(model, train_loader, optimizer, criterion)
        scheduler.step()
        print(f"epoch {epoch + 1}: loss {loss:.4f}, both halves right {test(model, test_loader):.4f}")
    print(f"score: {test(model, test_loader):.4f}")


main()
