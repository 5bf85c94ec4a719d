"""Classify drawn shapes (disc, square, triangle, cross) in noisy 24x24 grey images kept as uint8 and scaled in the
Dataset; a small CNN with batch norm, SGD with momentum and a one-cycle schedule. Score: test accuracy.
"""

import sys

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset

torch.set_num_threads(1)
CLASSES = ("disc", "square", "triangle", "cross")


def draw(kind, rng, size=24):
    yy, xx = np.mgrid[:size, :size].astype(float)
    cx, cy = rng.uniform(8, 16, 2)
    r, turn = rng.uniform(4, 7), rng.uniform(-0.4, 0.4)
    x = np.cos(turn) * (xx - cx) + np.sin(turn) * (yy - cy)
    y = -np.sin(turn) * (xx - cx) + np.cos(turn) * (yy - cy)
    if kind == 0:
        mask = x**2 + y**2 < r**2
    elif kind == 1:
        mask = np.maximum(abs(x), abs(y)) < 0.85 * r
    elif kind == 2:
        mask = (y < 0.7 * r) & (y > 2 * abs(x) - 1.1 * r)
    else:
        mask = (np.minimum(abs(x), abs(y)) < 0.3 * r) & (np.maximum(abs(x), abs(y)) < r)
    image = rng.uniform(30, 90) + mask * rng.uniform(60, 130) + rng.normal(0, 18, (size, size))
    return image.clip(0, 255).astype(np.uint8)


class Shapes(Dataset):
    def __init__(self, n, seed, train):
        rng = np.random.default_rng(seed)
        self.labels = rng.integers(0, len(CLASSES), n)
        self.images = np.stack([draw(k, rng) for k in self.labels])
        self.train = train

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        image = torch.from_numpy(self.images[i]).float().div(255).sub(0.35).div(0.22)[None]
        if self.train and torch.rand(()) < 0.5:
            image = image.flip(2)
        return image, int(self.labels[i])


def block(i, o):
    return nn.Sequential(nn.Conv2d(i, o, 3, padding=1, bias=False), nn.BatchNorm2d(o), nn.ReLU(), nn.MaxPool2d(2))


def evaluate(model, loader, criterion):
    model.eval()
    loss, correct, count = 0.0, 0, 0
    with torch.no_grad():
        for x, y in loader:
            out = model(x)
            loss += criterion(out, y).item() * len(y)
            correct += (out.argmax(1) == y).sum().item()
            count += len(y)
    return loss / count, correct / count


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    train = DataLoader(Shapes(1600, 3 * seed + 1, True), batch_size=64, shuffle=True)
    val = DataLoader(Shapes(400, 3 * seed + 2, False), batch_size=200)
    test = DataLoader(Shapes(600, 3 * seed + 3, False), batch_size=200)
    model = nn.Sequential(block(1, 12), block(12, 24), block(24, 32), nn.Flatten(), nn.Linear(32 * 9, len(CLASSES)))
    criterion = nn.CrossEntropyLoss()
    epochs = 9
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.03, epochs=epochs, steps_per_epoch=len(train))
    for epoch in range(epochs):
        model.train()
        running = 0.0
        for x, y in train:
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
            scheduler.step()
            running += loss.item()
        val_loss, val_acc = evaluate(model, val, criterion)
        print(f"epoch {epoch + 1} train {running / len(train):.4f} val {val_loss:.4f} acc {val_acc:.4f}")
    print(f"score: {evaluate(model, test, criterion)[1]:.4f}")


if __name__ == "__main__":
    main()
