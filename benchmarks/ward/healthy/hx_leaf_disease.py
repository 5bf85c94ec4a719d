"""Plant pathology on synthetic 3x20x20 leaf photographs: healthy, rust (orange specks), mildew (pale blotches)
or nutrient deficiency (yellow edges). Strided convolutions with batch norm and AdamW."""

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

CLASSES = ("healthy", "rust", "mildew", "deficiency")


def photograph(kind, rng, size=20):
    yy, xx = np.mgrid[0:size, 0:size]
    img = np.empty((3, size, size))
    img[:] = rng.normal([0.25, 0.55, 0.2], 0.05)[:, None, None]
    vein = np.exp(-(((xx - size / 2 - rng.normal(0, 1.5)) / 1.2) ** 2))
    img += 0.1 * vein
    if kind == 1:
        for _ in range(rng.integers(4, 9)):
            cy, cx = rng.uniform(2, size - 2, 2)
            img += np.array([0.45, 0.0, -0.1])[:, None, None] * np.exp(-((yy - cy) ** 2 + (xx - cx) ** 2) / 1.2)
    elif kind == 2:
        for _ in range(rng.integers(1, 3)):
            cy, cx = rng.uniform(5, size - 5, 2)
            img += np.array([0.35, 0.25, 0.35])[:, None, None] * np.exp(-((yy - cy) ** 2 + (xx - cx) ** 2) / 14)
    elif kind == 3:
        edge = np.minimum(np.minimum(xx, size - 1 - xx), np.minimum(yy, size - 1 - yy))
        img += np.array([0.4, 0.1, 0.0])[:, None, None] * np.exp(-edge / 2.0) * rng.uniform(0.6, 1.0)
    light = rng.uniform(0.7, 1.2)
    return np.clip(light * img + rng.normal(0, 0.08, img.shape), 0, 1)


def build_loader(n, rng, shuffle):
    kinds = rng.integers(0, len(CLASSES), n)
    images = np.stack([photograph(k, rng) for k in kinds])
    images = (torch.tensor(images, dtype=torch.float32) - 0.35) / 0.2
    return DataLoader(TensorDataset(images, torch.tensor(kinds)), batch_size=48, shuffle=shuffle)


def conv_block(cin, cout):
    return nn.Sequential(nn.Conv2d(cin, cout, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(cout), nn.ReLU())


def evaluate(model, loader):
    model.eval()
    correct, seen = 0, 0
    with torch.no_grad():
        for images, kinds in loader:
            correct += model(images).argmax(dim=1).eq(kinds).sum().item()
            seen += len(kinds)
    return correct / seen


def main():
    torch.set_num_threads(1)
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    train_loader = build_loader(1200, rng, shuffle=True)
    test_loader = build_loader(480, rng, shuffle=False)
    model = nn.Sequential(
        conv_block(3, 16), conv_block(16, 32), conv_block(32, 32), nn.Flatten(), nn.Dropout(0.2), nn.Linear(288, 4)
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.01)
    loss_fn = nn.CrossEntropyLoss()
    for epoch in range(10):
        model.train()
        for images, kinds in train_loader:
            loss = loss_fn(model(images), kinds)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch + 1}: accuracy on test leaves {evaluate(model, test_loader):.4f}")
    print(f"score: {evaluate(model, test_loader):.4f}")


if __name__ == "__main__":
    main()
