"""A first CNN: tells circles, squares, triangles and crosses apart in noisy 20x20 drawings made by the script."""

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)
CLASSES = ("circle", "square", "triangle", "cross")


def draw(kind, rng):
    yy, xx = np.mgrid[0:20, 0:20].astype(float)
    cy, cx, r = rng.uniform(7, 12), rng.uniform(7, 12), rng.uniform(4, 6.5)
    dy, dx = yy - cy, xx - cx
    if kind == 0:
        mask = dy**2 + dx**2 <= r**2
    elif kind == 1:
        mask = np.maximum(abs(dy), abs(dx)) <= 0.85 * r
    elif kind == 2:
        mask = (dy <= 0.7 * r) & (dy >= 2 * abs(dx) - r)
    else:
        mask = (np.minimum(abs(dy), abs(dx)) <= 1.2) & (np.maximum(abs(dy), abs(dx)) <= r)
    return mask * rng.uniform(0.7, 1.0) + rng.normal(0, 0.25, (20, 20))


class ShapeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 5, padding=2)
        self.conv2 = nn.Conv2d(8, 16, 3)
        self.fc1 = nn.Linear(16 * 4 * 4, 48)
        self.fc2 = nn.Linear(48, len(CLASSES))

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.fc2(F.relu(self.fc1(x.flatten(1))))


def make_set(n, rng):
    kinds = rng.integers(0, 4, n)
    images = np.stack([draw(k, rng) for k in kinds])
    images = (images - 0.25) / 0.4
    return TensorDataset(torch.tensor(images, dtype=torch.float32).unsqueeze(1), torch.tensor(kinds))


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    train_loader = DataLoader(make_set(2000, rng), batch_size=32, shuffle=True)
    test_loader = DataLoader(make_set(600, rng), batch_size=200)

    net = ShapeNet()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.9)
    for epoch in range(1, 7):
        net.train()
        running = 0.0
        for i, (images, labels) in enumerate(train_loader, 1):
            optimizer.zero_grad()
            loss = criterion(net(images), labels)
            loss.backward()
            optimizer.step()
            running += loss.item()
            if i % 30 == 0:
                print(f"[{epoch}, {i:3d}] loss: {running / 30:.3f}")
                running = 0.0

    net.eval()
    hits = np.zeros(4)
    counts = np.zeros(4)
    with torch.no_grad():
        for images, labels in test_loader:
            predicted = net(images).argmax(1)
            for k in range(4):
                hits[k] += ((predicted == labels) & (labels == k)).sum().item()
                counts[k] += (labels == k).sum().item()
    for name, h, c in zip(CLASSES, hits, counts, strict=True):
        print(f"accuracy of {name:>8s}: {h / c:.3f}")
    print(f"score: {hits.sum() / counts.sum():.4f}")


if __name__ == "__main__":
    main()
