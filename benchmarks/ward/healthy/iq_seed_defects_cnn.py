"""Sorting seeds on a conveyor: small RGB photographs (uint8), four classes (sound, cracked, mouldy, sprouted).
A three-stage CNN with batch norm, flips as augmentation, SGD with Nesterov momentum and a one-cycle schedule.
"""

import sys

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset

torch.set_num_threads(1)
CLASSES = ["sound", "cracked", "mouldy", "sprouted"]


def photograph(rng, label, size=20):
    yy, xx = np.mgrid[:size, :size] - (size - 1) / 2
    yy, xx = yy - rng.uniform(-1.5, 1.5), xx - rng.uniform(-1.5, 1.5)
    angle = rng.uniform(0, np.pi)
    u, v = xx * np.cos(angle) + yy * np.sin(angle), -xx * np.sin(angle) + yy * np.cos(angle)
    a, b = rng.uniform(6, 7.5), rng.uniform(3.8, 5)
    inside = (u / a) ** 2 + (v / b) ** 2 < 1
    img = np.full((size, size, 3), rng.uniform(40, 70))
    img[inside] = np.array([180, 140, 80]) + rng.normal(0, 12, 3)
    if label == 1:
        img[inside & (np.abs(v - 0.3 * np.sin(u) - rng.uniform(-1, 1)) < 0.6)] *= 0.4
    elif label == 2:
        for _ in range(rng.integers(2, 5)):
            cu, cv = rng.uniform(-0.6, 0.6) * a, rng.uniform(-0.6, 0.6) * b
            img[inside & ((u - cu) ** 2 + (v - cv) ** 2 < rng.uniform(1, 2.5))] = [110, 150, 120]
    elif label == 3:
        side = rng.choice([-1, 1])
        img[(np.abs(v) < 0.9) & (side * u > a - 1) & (side * u < a + rng.uniform(1.5, 3))] = [220, 225, 190]
    return np.clip(img + rng.normal(0, 14, img.shape), 0, 255).astype(np.uint8)


class Seeds(Dataset):
    def __init__(self, n, rng, augment):
        self.labels = rng.integers(0, len(CLASSES), n)
        self.images = np.stack([photograph(rng, k) for k in self.labels])
        self.augment = augment

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        x = torch.from_numpy(self.images[i]).permute(2, 0, 1).float().div(255).sub(0.35).div(0.2)
        if self.augment:
            dims = [d for d in (1, 2) if torch.rand(()) < 0.5]
            x = torch.flip(x, dims)
        return x, int(self.labels[i])


def block(c_in, c_out):
    return nn.Sequential(
        nn.Conv2d(c_in, c_out, 3, padding=1, bias=False), nn.BatchNorm2d(c_out), nn.ReLU(inplace=True), nn.MaxPool2d(2)
    )


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    train_loader = DataLoader(Seeds(1600, rng, True), batch_size=64, shuffle=True)
    val_loader = DataLoader(Seeds(600, rng, False), batch_size=200)
    model = nn.Sequential(block(3, 12), block(12, 24), block(24, 32), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    model.append(nn.Linear(32, len(CLASSES)))
    epochs = 8
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9, nesterov=True, weight_decay=5e-4)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.03, total_steps=epochs * len(train_loader))
    criterion = nn.CrossEntropyLoss()
    for epoch in range(epochs):
        model.train()
        running = 0.0
        for x, y in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
            scheduler.step()
            running += loss.item() * len(y)
        model.eval()
        with torch.no_grad():
            hits = sum((model(x).argmax(1) == y).sum().item() for x, y in val_loader)
        acc = hits / len(val_loader.dataset)
        print(f"epoch {epoch + 1}: train loss {running / len(train_loader.dataset):.4f} val acc {acc:.4f}")
    print(f"score: {acc:.4f}")


if __name__ == "__main__":
    main()
