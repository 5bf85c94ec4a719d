"""Assignment 2: recognise noughts, crosses, plus signs and squares drawn on noisy 12x12 images with a small ConvNet."""

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)
SEED = int(sys.argv[1]) if len(sys.argv) > 1 else 0


def draw(kind, rng):
    yy, xx = np.mgrid[0:12, 0:12]
    dx, dy = xx - rng.uniform(4.5, 6.5), yy - rng.uniform(4.5, 6.5)
    r = rng.uniform(2.5, 4.0)
    inside = (np.abs(dx) <= r) & (np.abs(dy) <= r)
    if kind == 0:
        image = np.abs(np.hypot(dx, dy) - r) < 0.8
    elif kind == 1:
        image = (np.abs(np.abs(dx) - np.abs(dy)) < 0.8) & inside
    elif kind == 2:
        image = ((np.abs(dx) < 0.7) | (np.abs(dy) < 0.7)) & inside
    else:
        image = np.abs(np.maximum(np.abs(dx), np.abs(dy)) - r) < 0.6
    return image + 0.35 * rng.standard_normal((12, 12))


def make_set(n, rng):
    y = rng.integers(0, 4, n)
    x = np.stack([draw(k, rng) for k in y])[:, None]
    return TensorDataset(torch.tensor(x, dtype=torch.float32), torch.tensor(y))


class ConvNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 12, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(12)
        self.conv2 = nn.Conv2d(12, 24, 3, padding=1)
        self.bn2 = nn.BatchNorm2d(24)
        self.fc = nn.Linear(24 * 3 * 3, 4)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 2)
        x = F.max_pool2d(F.relu(self.bn2(self.conv2(x))), 2)
        return self.fc(x.flatten(1))


def check_accuracy(loader, model):
    num_correct, num_samples = 0, 0
    model.eval()
    with torch.no_grad():
        for x, y in loader:
            preds = model(x).max(1)[1]
            num_correct += (preds == y).sum().item()
            num_samples += preds.size(0)
    print(f"Got {num_correct} / {num_samples} correct")
    return num_correct / num_samples


def main():
    torch.manual_seed(SEED)
    rng = np.random.default_rng(SEED)
    train_loader = DataLoader(make_set(1600, rng), batch_size=50, shuffle=True)
    val_loader = DataLoader(make_set(400, rng), batch_size=200)
    model = ConvNet()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.03, momentum=0.9, nesterov=True, weight_decay=1e-4)
    acc = 0.0
    for epoch in range(6):
        for t, (x, y) in enumerate(train_loader):
            model.train()
            loss = F.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if t % 16 == 0:
                print(f"Epoch {epoch}, iteration {t}, loss = {loss.item():.4f}")
        acc = check_accuracy(val_loader, model)
    print(f"score: {acc:.4f}")


if __name__ == "__main__":
    main()
