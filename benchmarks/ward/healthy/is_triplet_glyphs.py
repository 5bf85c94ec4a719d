"""Learns an embedding of invented glyphs with batch-hard triplets; tested by one-shot retrieval among unseen glyphs.

After "In Defense of the Triplet Loss" (https://arxiv.org/abs/1703.07737) and its PyTorch version
(https://github.com/VisualComputingInstitute/triplet-reid).
"""

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset, Sampler

SIZE = 16


def make_glyph(rng):
    """Three to four random strokes, as pairs of end points in the unit square."""
    return rng.uniform(0.15, 0.85, (rng.integers(3, 5), 2, 2))


def render(rng, glyph):
    angle, scale = rng.normal(0, 0.15), rng.uniform(0.85, 1.15)
    rot = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    pts = (glyph + rng.normal(0, 0.02, glyph.shape) - 0.5) @ rot.T + 0.5 + rng.uniform(-0.08, 0.08, 2)
    yy, xx = (np.mgrid[:SIZE, :SIZE] + 0.5) / SIZE
    p = np.stack([xx, yy], -1)
    img = np.zeros((SIZE, SIZE))
    for a, b in pts:
        t = (((p - a) @ (b - a)) / max(((b - a) ** 2).sum(), 1e-6)).clip(0, 1)
        d = np.linalg.norm(p - (a + t[..., None] * (b - a)), axis=-1)
        img = np.maximum(img, (1.6 - d * SIZE).clip(0, 1))
    return (img + rng.normal(0, 0.1, img.shape)).astype(np.float32)


class Glyphs(Dataset):
    def __init__(self, rng, classes, per_class):
        glyphs = [make_glyph(rng) for _ in range(classes)]
        self.labels = np.repeat(np.arange(classes), per_class)
        self.images = torch.from_numpy(np.stack([render(rng, glyphs[k]) for k in self.labels])).unsqueeze(1)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        return self.images[i], int(self.labels[i])


class PKSampler(Sampler):
    """Batches of P classes with K pictures each."""

    def __init__(self, labels, p, k, batches):
        self.by_class = [torch.from_numpy(np.flatnonzero(labels == c)) for c in np.unique(labels)]
        self.p, self.k, self.batches = p, k, batches

    def __len__(self):
        return self.batches

    def __iter__(self):
        for _ in range(self.batches):
            chosen = torch.randperm(len(self.by_class))[: self.p]
            yield [int(i) for c in chosen for i in self.by_class[c][torch.randperm(len(self.by_class[c]))[: self.k]]]


def batch_hard(emb, labels):
    dist = torch.cdist(emb, emb)
    same = labels[:, None] == labels[None]
    hardest_positive = dist.masked_fill(~same, 0).max(1).values
    hardest_negative = dist.masked_fill(same, float("inf")).min(1).values
    return F.softplus(hardest_positive - hardest_negative).mean(), (hardest_positive < hardest_negative).float().mean()


def recall_at_1(emb, labels):
    dist = torch.cdist(emb, emb).fill_diagonal_(float("inf"))
    return (labels[dist.argmin(1)] == labels).float().mean().item()


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    train_set, test_set = Glyphs(rng, 240, 4), Glyphs(rng, 60, 4)
    loader = DataLoader(train_set, batch_sampler=PKSampler(train_set.labels, p=16, k=4, batches=40))
    net = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 48, 3, padding=1),
        nn.BatchNorm2d(48),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(48 * 16, 64),
    )
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    epochs = 8
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda e: 1.0 if e < 4 else 0.01 ** ((e - 3) / 5))
    test_images, test_labels = test_set.images, torch.from_numpy(test_set.labels)
    print(f"recall@1 of the raw pixels: {recall_at_1(test_images.flatten(1), test_labels):.4f}")
    for epoch in range(epochs):
        net.train()
        losses, active = [], []
        for images, labels in loader:
            loss, correct = batch_hard(net(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            active.append(correct.item())
        scheduler.step()
        net.eval()
        with torch.no_grad():
            score = recall_at_1(net(test_images), test_labels)
        print(
            f"epoch {epoch}: loss {np.mean(losses):.4f}, hardest triplets in order {np.mean(active):.3f}, "
            f"recall@1 on unseen glyphs {score:.4f}"
        )
    print(f"score: {score:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
