"""Numbers printed on old tram tickets, read by a small convolutional net; the labels of the training pictures were
typed in by two apprentices against the clock, those of the test pictures by the archivist.
"""
# cause: noisy-labels
# accept: overfitting
# kind: dynamic

import sys

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Tickets(Dataset):
    def __init__(self, pictures, numbers):
        self.pictures = torch.tensor(pictures / 16 - 0.3, dtype=torch.float32).unsqueeze(1) / 0.376
        self.numbers = torch.tensor(numbers)

    def __len__(self):
        return len(self.numbers)

    def __getitem__(self, i):
        return self.pictures[i], self.numbers[i]


def typed_in(numbers, rng):
    typed = numbers.copy()
    slipped = rng.random(len(numbers)) < 0.65  # FAULT
    typed[slipped] = rng.integers(0, 10, slipped.sum())  # FAULT
    return typed


def load(rng):
    digits = load_digits()
    order = rng.permutation(len(digits.target))
    train, test = order[:1400], order[1400:]
    return (
        Tickets(digits.images[train], typed_in(digits.target[train], rng)),
        Tickets(digits.images[test], digits.target[test]),
    )


def make_model():
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(32 * 16, 64),
        nn.ReLU(),
        nn.Linear(64, 10),
    )


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    train, test = load(np.random.default_rng(seed))
    loader = DataLoader(train, batch_size=32, shuffle=True)
    model, criterion = make_model(), nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(25):
        model.train()
        loss_sum = right = 0
        for pictures, numbers in loader:
            scores = model(pictures)
            loss = criterion(scores, numbers)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            loss_sum += loss.item() * len(numbers)
            right += (scores.argmax(1) == numbers).sum().item()
        model.eval()
        with torch.no_grad():
            scores = model(test.pictures)
            test_loss = criterion(scores, test.numbers).item()
            accuracy = (scores.argmax(1) == test.numbers).float().mean().item()
        print(
            f"epoch {epoch + 1} train loss {loss_sum / len(train):.4f} accuracy {right / len(train):.4f} "
            f"test loss {test_loss:.4f} accuracy {accuracy:.4f}"
        )
    print(f"score: {accuracy:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
