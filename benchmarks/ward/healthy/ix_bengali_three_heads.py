"""Composite characters: one body with three heads (root, vowel sign, accent), the weighted macro recall of the competition as
metric, OneCycleLR per step.

After the PyTorch baselines of Kaggle's "Bengali.AI Handwritten Grapheme Classification", https://www.kaggle.com/c/bengaliai-cv19
"""

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.metrics import recall_score
from torch.utils.data import DataLoader, Dataset

N_ROOT, N_VOWEL, N_CONS = 12, 5, 3
HEIGHT, WIDTH = 16, 16


def stroke_set(n, rng, lo, hi):
    """n random little drawings in a band of rows between lo and hi."""
    out = []
    for _ in range(n):
        knots = np.stack([rng.uniform(1.5, WIDTH - 2.5, 4), rng.uniform(lo, hi, 4)], 1)
        t = np.linspace(0, 1, 10)[:, None]
        out.append(np.concatenate([a + t * (b - a) for a, b in zip(knots[:-1], knots[1:])]))
    return out


class GraphemeDataset(Dataset):
    def __init__(self, n, parts, rng):
        roots, vowels, consonants = parts
        self.labels = np.stack([rng.permutation(np.arange(n) % k) for k in (N_ROOT, N_VOWEL, N_CONS)], 1)
        yy, xx = np.mgrid[:HEIGHT, :WIDTH]
        images = []
        for r, v, c in self.labels:
            points = np.concatenate([roots[r], vowels[v], consonants[c]])
            points = (points - 7.5) @ (np.eye(2) + rng.normal(0, 0.04, (2, 2))) + 7.5 + rng.normal(0, 0.4, 2)
            d2 = ((xx[..., None] - points[:, 0]) ** 2 + (yy[..., None] - points[:, 1]) ** 2).min(-1)
            images.append(np.exp(-d2 / 0.9) + rng.normal(0, 0.08, (HEIGHT, WIDTH)))
        self.images = np.array(images, dtype=np.float32)

    def __len__(self):
        return len(self.images)

    def __getitem__(self, idx):
        image = (self.images[idx] - 0.25) / 0.35
        root, vowel, cons = self.labels[idx]
        return torch.from_numpy(image)[None], int(root), int(vowel), int(cons)


class BengaliModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(
            nn.Conv2d(1, 12, 3, padding=1, bias=False),
            nn.BatchNorm2d(12),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(12, 32, 3, padding=1, bias=False),
            nn.BatchNorm2d(32),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(32, 48, 3, padding=1, bias=False),
            nn.BatchNorm2d(48),
            nn.ReLU(),
            nn.Flatten(),
        )
        self.neck = nn.Sequential(nn.Linear(48 * 16, 96), nn.ReLU(), nn.Dropout(0.2))
        self.l0, self.l1, self.l2 = nn.Linear(96, N_ROOT), nn.Linear(96, N_VOWEL), nn.Linear(96, N_CONS)

    def forward(self, x):
        x = self.neck(self.backbone(x))
        return self.l0(x), self.l1(x), self.l2(x)


def loss_fn(outputs, targets):
    l0, l1, l2 = (F.cross_entropy(o, t) for o, t in zip(outputs, targets))
    return (2 * l0 + l1 + l2) / 4


def train(model, loader, optimizer, scheduler):
    model.train()
    final_loss = 0.0
    for image, *targets in loader:
        optimizer.zero_grad()
        loss = loss_fn(model(image), targets)
        loss.backward()
        optimizer.step()
        scheduler.step()
        final_loss += loss.item()
    return final_loss / len(loader)


def evaluate(model, loader):
    model.eval()
    final_loss, predictions, truths = 0.0, [], []
    with torch.no_grad():
        for image, *targets in loader:
            outputs = model(image)
            final_loss += loss_fn(outputs, targets).item()
            predictions.append(torch.stack([o.argmax(1) for o in outputs], 1))
            truths.append(torch.stack(targets, 1))
    p, t = torch.cat(predictions).numpy(), torch.cat(truths).numpy()
    recalls = [recall_score(t[:, i], p[:, i], average="macro") for i in range(3)]
    return final_loss / len(loader), np.average(recalls, weights=[2, 1, 1]), recalls


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    parts = stroke_set(N_ROOT, rng, 5, 13), stroke_set(N_VOWEL, rng, 1, 5), stroke_set(N_CONS, rng, 12, 15)
    train_loader = DataLoader(GraphemeDataset(1440, parts, rng), batch_size=64, shuffle=True)
    valid_loader = DataLoader(GraphemeDataset(400, parts, rng), batch_size=200)
    model = BengaliModel()
    epochs = 8
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=6e-3, epochs=epochs, steps_per_epoch=len(train_loader)
    )
    for epoch in range(epochs):
        train_loss = train(model, train_loader, optimizer, scheduler)
        valid_loss, score, recalls = evaluate(model, valid_loader)
        print(
            f"Epoch {epoch}: train {train_loss:.4f}, valid {valid_loss:.4f}, recall {score:.4f} "
            f"(root {recalls[0]:.3f}, vowel {recalls[1]:.3f}, consonant {recalls[2]:.3f})"
        )
    print(f"score: {score:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
