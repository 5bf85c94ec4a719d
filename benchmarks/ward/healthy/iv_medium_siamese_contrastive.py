"""A Siamese network with contrastive loss learns when two digits are the same class; pairs are balanced, the threshold comes from validation pairs.

After the many "Siamese network in PyTorch with contrastive loss" tutorials on Medium (e.g. "Facial Similarity with Siamese Networks in PyTorch").
"""

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, Dataset


class SiamesePairs(Dataset):
    """Half of the pairs of one class (label 0), half of two (label 1)."""

    def __init__(self, images, labels, size, seed, fixed):
        self.images, self.size = images, size
        self.groups = [np.flatnonzero(labels == c) for c in range(10)]
        self.rng = np.random.default_rng(seed)
        self.pairs = [self.draw(i % 2) for i in range(size)] if fixed else None

    def draw(self, different):
        if different:
            a, b = self.rng.choice(10, 2, replace=False)
        else:
            a = b = self.rng.integers(10)
        return self.rng.choice(self.groups[a]), self.rng.choice(self.groups[b]), float(different)

    def __len__(self):
        return self.size

    def __getitem__(self, i):
        a, b, label = self.pairs[i] if self.pairs is not None else self.draw(i % 2)
        return self.images[a], self.images[b], torch.tensor(label)


class SiameseNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.cnn = nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.Conv2d(8, 16, 3, padding=1, stride=2),
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.Flatten(),
        )
        self.fc = nn.Sequential(nn.Linear(16 * 4 * 4, 64), nn.ReLU(), nn.Linear(64, 8))

    def forward_once(self, x):
        return self.fc(self.cnn(x))

    def forward(self, x1, x2):
        return self.forward_once(x1), self.forward_once(x2)


class ContrastiveLoss(nn.Module):
    def __init__(self, margin=2.0):
        super().__init__()
        self.margin = margin

    def forward(self, out1, out2, label):
        d = F.pairwise_distance(out1, out2)
        return torch.mean((1 - label) * d.pow(2) + label * torch.clamp(self.margin - d, min=0.0).pow(2))


@torch.no_grad()
def distances(net, loader):
    net.eval()
    d, y = zip(*((F.pairwise_distance(*net(a, b)), label) for a, b, label in loader))
    return torch.cat(d), torch.cat(y)


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    digits = load_digits()
    X = torch.tensor(digits.images / 16.0, dtype=torch.float32)[:, None]
    rest, test = train_test_split(np.arange(len(X)), test_size=0.25, stratify=digits.target, random_state=seed)
    train, val = train_test_split(rest, test_size=0.2, stratify=digits.target[rest], random_state=seed)
    loader = DataLoader(
        SiamesePairs(X[train], digits.target[train], 2048, seed, fixed=False), batch_size=64, shuffle=True
    )
    val_loader = DataLoader(SiamesePairs(X[val], digits.target[val], 600, seed + 1, fixed=True), batch_size=200)
    test_loader = DataLoader(SiamesePairs(X[test], digits.target[test], 1200, seed + 2, fixed=True), batch_size=200)

    net, criterion = SiameseNetwork(), ContrastiveLoss()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3, weight_decay=5e-4)
    for epoch in range(8):
        net.train()
        total = 0.0
        for img0, img1, label in loader:
            optimizer.zero_grad()
            loss = criterion(*net(img0, img1), label)
            loss.backward()
            optimizer.step()
            total += loss.item()
        print(f"Epoch {epoch + 1}  loss {total / len(loader):.4f}")

    d, y = distances(net, val_loader)
    thresholds = torch.linspace(0.2, 2.0, 37)
    accs = torch.stack([((d > t) == (y > 0.5)).float().mean() for t in thresholds])
    threshold = thresholds[accs.argmax()]
    d, y = distances(net, test_loader)
    print(f"mean distance: same {d[y == 0].mean():.3f}, different {d[y == 1].mean():.3f}; threshold {threshold:.2f}")
    print(f"score: {((d > threshold) == (y > 0.5)).float().mean().item():.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
