"""Tells apart four stencils (ring, disk, cross, bar) sprayed bright on dark or dark on bright, anywhere on a tile."""
# cause: missing-nonlinearity
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.optim as optim
from torch.utils.data import DataLoader, TensorDataset

SIDE = 20
KINDS = ("ring", "disk", "cross", "bar")


def draw(count, rng):
    rows, columns = np.mgrid[0:SIDE, 0:SIDE]
    kinds = rng.integers(0, len(KINDS), count)
    tiles = np.empty((count, 1, SIDE, SIDE), dtype=np.float32)
    for i, kind in enumerate(kinds):
        y, x = rng.uniform(6, 13, 2) - 0.5
        size = rng.uniform(3.5, 5.5)
        dy, dx = np.abs(rows - y), np.abs(columns - x)
        far = np.hypot(dy, dx)
        mask = (
            np.abs(far - size) < 1.1,
            far < size * 0.85,
            (np.minimum(dy, dx) < 1.1) & (np.maximum(dy, dx) < size),
            (dy < 1.6) & (dx < size + 1),
        )[kind]
        sign = 1.0 if rng.random() < 0.65 else -1.0
        tiles[i, 0] = sign * mask + rng.normal(scale=0.35, size=(SIDE, SIDE))
    return torch.from_numpy(tiles), torch.from_numpy(kinds)


class ConvBlock(nn.Module):
    """Convolution at stride two with batch normalization."""

    def __init__(self, inside, outside):
        super().__init__()
        self.conv = nn.Conv2d(inside, outside, 3, stride=2, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(outside)

    def forward(self, x):
        return self.norm(self.conv(x))  # FAULT
        # TWIN: return torch.relu(self.norm(self.conv(x)))


class StencilNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = nn.Sequential(ConvBlock(1, 16), ConvBlock(16, 32), ConvBlock(32, 32))
        self.head = nn.Linear(32 * 3 * 3, len(KINDS))

    def forward(self, x):
        return self.head(self.blocks(x).flatten(1))


def accuracy(net, loader):
    net.eval()
    hits = total = 0
    with torch.no_grad():
        for tiles, kinds in loader:
            hits += (net(tiles).argmax(1) == kinds).sum().item()
            total += len(kinds)
    return hits / total


seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
rng = np.random.default_rng(seed)
train_loader = DataLoader(TensorDataset(*draw(5000, rng)), batch_size=64, shuffle=True)
test_loader = DataLoader(TensorDataset(*draw(1000, rng)), batch_size=250)

net = StencilNet()
criterion = nn.CrossEntropyLoss()
optimizer = optim.SGD(net.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4)
epochs = 6
scheduler = optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
for epoch in range(epochs):
    net.train()
    running_loss = 0.0
    for tiles, kinds in train_loader:
        optimizer.zero_grad()
        loss = criterion(net(tiles), kinds)
        loss.backward()
        optimizer.step()
        running_loss += loss.item()
    scheduler.step()
    print(
        f"[{epoch + 1}] loss: {running_loss / len(train_loader):.3f}  test accuracy: {accuracy(net, test_loader):.3f}"
    )
print(f"score: {accuracy(net, test_loader):.4f}")
