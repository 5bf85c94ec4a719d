"""Handwritten place numbers: even epochs train only the convolutions, odd epochs only the dense part, the other half
being switched off by requires_grad. Slower than both at once, but it gets there."""

import sys

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

EPOCHS, BATCH = 14, 32


def load(seed):
    images, labels = load_digits(return_X_y=True)
    parts = train_test_split(images / 16.0, labels, test_size=0.25, random_state=seed, stratify=labels)
    train_x, test_x, train_y, test_y = (torch.tensor(part) for part in parts)
    return *(2 * x.float().view(-1, 1, 8, 8) - 1 for x in (train_x, test_x)), train_y, test_y


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    train_x, test_x, train_y, test_y = load(seed)
    eyes = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 24, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)
    )
    judge = nn.Sequential(nn.Flatten(), nn.Linear(24 * 16, 64), nn.ReLU(), nn.Linear(64, 10))
    model = nn.Sequential(eyes, judge)
    optimizers = [torch.optim.Adam(part.parameters(), lr=1e-3) for part in (eyes, judge)]
    for epoch in range(EPOCHS):
        turn = epoch % 2
        eyes.requires_grad_(turn == 0)
        judge.requires_grad_(turn == 1)
        total = 0.0
        for rows in torch.randperm(len(train_x)).split(BATCH):
            loss = nn.functional.cross_entropy(model(train_x[rows]), train_y[rows])
            optimizers[turn].zero_grad()
            loss.backward()
            optimizers[turn].step()
            total += loss.item() * len(rows) / len(train_x)
        with torch.no_grad():
            accuracy = (model(test_x).argmax(1) == test_y).float().mean().item()
        print(f"epoch {epoch + 1} ({'convolutions' if turn == 0 else 'dense'}): loss {total:.4f} test {accuracy:.4f}")
    print(f"score: {accuracy:.4f}")


main()
