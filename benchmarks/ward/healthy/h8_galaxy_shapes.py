"""Classify 20x20 telescope cut-outs into elliptical, spiral and edge-on galaxies with a small CNN.

The images are drawn here: random tilt, size and brightness plus sky noise; random flips as augmentation.
"""

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

torch.set_num_threads(1)
SEED = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(SEED)
rng = np.random.default_rng(SEED)

yy, xx = np.mgrid[-1:1:20j, -1:1:20j]


def draw(kind):
    angle = rng.uniform(0, np.pi)
    cx, cy = rng.normal(0, 0.06, 2)
    u = np.cos(angle) * (xx - cx) + np.sin(angle) * (yy - cy)
    v = -np.sin(angle) * (xx - cx) + np.cos(angle) * (yy - cy)
    scale = rng.uniform(0.35, 0.5)
    if kind == 0:
        image = np.exp(-np.sqrt(u**2 + (v / rng.uniform(0.6, 0.95)) ** 2) / (0.6 * scale))
    elif kind == 1:
        r = np.sqrt(u**2 + v**2) + 1e-6
        theta = np.arctan2(v, u)
        turn = rng.choice([-1.0, 1.0])
        arms = 0.5 + 0.5 * np.cos(2 * theta + turn * 4.5 * np.log(r + 0.1))
        image = np.exp(-r / scale) * (0.15 + arms) + 0.5 * np.exp(-((r / 0.12) ** 2))
    else:
        image = np.exp(-np.abs(u) / scale - (v / rng.uniform(0.10, 0.18)) ** 2)
    image = image / image.max() * rng.uniform(0.8, 1.2)
    return image + rng.normal(0, 0.10, image.shape)


class Cutouts(Dataset):
    def __init__(self, n, augment):
        self.kinds = rng.integers(0, 3, n)
        self.images = torch.tensor(np.stack([draw(k) for k in self.kinds]), dtype=torch.float32)[:, None]
        self.augment = augment

    def __len__(self):
        return len(self.kinds)

    def __getitem__(self, i):
        image = self.images[i]
        if self.augment:
            if torch.rand(()) < 0.5:
                image = image.flip(-1)
            if torch.rand(()) < 0.5:
                image = image.flip(-2)
        return (image - 0.2) / 0.25, int(self.kinds[i])


train_loader = DataLoader(Cutouts(1000, augment=True), batch_size=40, shuffle=True)
test_loader = DataLoader(Cutouts(400, augment=False), batch_size=100)

model = nn.Sequential(
    nn.Conv2d(1, 12, 3, padding=1),
    nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Conv2d(12, 24, 3, padding=1),
    nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Flatten(),
    nn.Linear(24 * 25, 48),
    nn.ReLU(),
    nn.Dropout(0.2),
    nn.Linear(48, 3),
)
loss_fn = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=1.5e-3)


def evaluate():
    model.eval()
    correct, loss_sum = 0, 0.0
    with torch.no_grad():
        for images, kinds in test_loader:
            out = model(images)
            loss_sum += loss_fn(out, kinds).item() * len(kinds)
            correct += (out.argmax(1) == kinds).sum().item()
    return loss_sum / 400, correct / 400


for epoch in range(1, 11):
    model.train()
    seen, total = 0, 0.0
    for images, kinds in train_loader:
        optimizer.zero_grad()
        loss = loss_fn(model(images), kinds)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(kinds)
        seen += len(kinds)
    test_loss, accuracy = evaluate()
    print(f"[{epoch:2d}] train loss {total / seen:.3f} | held-out loss {test_loss:.3f} acc {accuracy:.3f}")

print(f"score: {evaluate()[1]:.4f}")
