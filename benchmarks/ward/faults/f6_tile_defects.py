"""Small CNN that sorts synthetic 12x12 tile photographs into six kinds of surface mark, trained with SGD.

The network ends in nn.Softmax and is trained with nn.CrossEntropyLoss, which applies log-softmax itself.
"""
# cause: softmax-twice
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

KINDS = 6


def draw(kind, rng):
    img = rng.normal(0, 0.5, (12, 12))
    r, c = rng.integers(1, 8, 2)
    if kind == 0:
        img[r + 1, c : c + 4] += 2
    elif kind == 1:
        img[r : r + 4, c + 1] += 2
    elif kind == 2:
        for k in range(4):
            img[r + k, c + k] += 2
    elif kind == 3:
        for k in range(4):
            img[r + 3 - k, c + k] += 2
    elif kind == 4:
        img[r : r + 3, c : c + 3] += 1.5
    return img


class TileNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(16, 16, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
        )
        self.classifier = nn.Sequential(
            nn.Linear(16 * 6 * 6, 48),
            nn.ReLU(),
            nn.Linear(48, KINDS),
            nn.Softmax(dim=1),  # FAULT
        )

    def forward(self, x):
        return self.classifier(self.features(x).flatten(1))


torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
rng = np.random.default_rng(seed)
labels = rng.integers(0, KINDS, 2400)
images = np.stack([draw(k, rng) for k in labels])[:, None].astype("float32")
images = (images - images.mean()) / images.std()
data = TensorDataset(torch.from_numpy(images), torch.from_numpy(labels))
train_set, val_set = random_split(data, [1900, 500])
train_loader = DataLoader(train_set, batch_size=50, shuffle=True)
val_loader = DataLoader(val_set, batch_size=250)

net = TileNet()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(net.parameters(), lr=0.03, momentum=0.9)

for epoch in range(8):
    running = 0.0
    for xb, yb in train_loader:
        optimizer.zero_grad()
        loss = criterion(net(xb), yb)
        loss.backward()
        optimizer.step()
        running += loss.item()
    correct, val_loss = 0, 0.0
    with torch.no_grad():
        for xb, yb in val_loader:
            out = net(xb)
            val_loss += criterion(out, yb).item() / len(val_loader)
            correct += (out.argmax(1) == yb).sum().item()
    print(f"[{epoch + 1}] loss {running / len(train_loader):.3f} val loss {val_loss:.3f} val acc {correct / 500:.3f}")

print(f"score: {correct / 500:.4f}")
