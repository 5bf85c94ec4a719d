"""Digits on a 12x12 canvas: a Dataset pastes each training image at a random place, test places are random too.

Fault: __getitem__ reseeds numpy, so every image in every epoch gets the same "random" place.
"""
# cause: duplicate-augmentation
# kind: dynamic

import sys

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
np.random.seed(seed)


def paste(image):
    dx, dy = np.random.randint(0, 5, size=2)
    canvas = np.zeros((1, 12, 12), dtype=np.float32)
    canvas[0, dy : dy + 8, dx : dx + 8] = image
    return canvas


class CanvasDigits(Dataset):
    def __init__(self, images, targets):
        self.images, self.targets = images, targets

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        np.random.seed(seed)  # FAULT
        return paste(self.images[index]), self.targets[index]


digits = load_digits()
perm = np.random.permutation(len(digits.images))
images, targets = digits.images[perm] / 16.0, digits.target[perm]
test_x = torch.from_numpy(np.stack([paste(im) for im in images[1400:]]))
test_y = torch.from_numpy(targets[1400:])
train_loader = DataLoader(CanvasDigits(images[:1400], targets[:1400]), batch_size=50, shuffle=True)

model = nn.Sequential(
    nn.Conv2d(1, 12, 3),
    nn.ReLU(),
    nn.Conv2d(12, 24, 3, stride=2),
    nn.ReLU(),
    nn.Conv2d(24, 32, 3),
    nn.ReLU(),
    nn.AdaptiveMaxPool2d(2),
    nn.Flatten(),
    nn.Linear(128, 10),
)
optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
lossf = nn.CrossEntropyLoss()
for epoch in range(18):
    model.train()
    train_loss, train_acc = 0.0, 0.0
    for xb, yb in train_loader:
        out = model(xb)
        loss = lossf(out, yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        train_loss += loss.item() / len(train_loader)
        train_acc += (out.argmax(1) == yb).float().mean().item() / len(train_loader)
    model.eval()
    with torch.no_grad():
        out = model(test_x)
        test_loss, test_acc = lossf(out, test_y).item(), (out.argmax(1) == test_y).float().mean().item()
    print(f"{epoch + 1:2d} loss {train_loss:.3f} acc {train_acc:.3f} val_loss {test_loss:.3f} val_acc {test_acc:.3f}")

print(f"score: {test_acc:.4f}")
