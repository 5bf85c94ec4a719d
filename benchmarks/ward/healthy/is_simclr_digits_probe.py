"""Learns features of digits without labels by SimCLR, then fits a linear probe on ten labels per class.

After sthalles/SimCLR (https://github.com/sthalles/SimCLR).
"""

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split


def augment(x):
    """A random small rotation, zoom, shear and shift of each picture, then a random contrast and a little noise."""
    n = len(x)
    angle = (torch.rand(n) - 0.5) * 0.7
    zoom = 1 + (torch.rand(n) - 0.5) * 0.4
    shear = (torch.rand(n) - 0.5) * 0.5
    shift = (torch.rand(n, 2) - 0.5) * 0.4
    cos, sin = torch.cos(angle) * zoom, torch.sin(angle) * zoom
    theta = torch.stack([torch.stack([cos, -sin + shear, shift[:, 0]], 1), torch.stack([sin, cos, shift[:, 1]], 1)], 1)
    grid = F.affine_grid(theta, x.shape, align_corners=False)
    out = F.grid_sample(x, grid, padding_mode="border", align_corners=False)
    out = out * (0.7 + 0.6 * torch.rand(n, 1, 1, 1))
    return out + 0.1 * torch.randn_like(out)


class ResNetSimCLR(nn.Module):
    def __init__(self, out_dim=32):
        super().__init__()
        self.backbone = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1, bias=False),
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.Conv2d(16, 32, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(32),
            nn.ReLU(),
            nn.Conv2d(32, 64, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(64),
            nn.ReLU(),
            nn.Flatten(),
        )
        self.projector = nn.Sequential(nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, out_dim))

    def forward(self, x):
        return self.projector(self.backbone(x))


def info_nce_loss(features, temperature):
    batch = len(features) // 2
    features = F.normalize(features, dim=1)
    similarity = features @ features.T / temperature
    similarity.fill_diagonal_(float("-inf"))
    labels = (torch.arange(2 * batch) + batch) % (2 * batch)
    top1 = (similarity.argmax(1) == labels).float().mean().item()
    return F.cross_entropy(similarity, labels), top1


@torch.no_grad()
def features_of(model, x):
    model.eval()
    return F.normalize(model.backbone(x), dim=1).numpy()


def probe(f_train, y_train, f_test, y_test):
    mu, sd = f_train.mean(0), f_train.std(0) + 1e-6
    clf = LogisticRegression(max_iter=500, C=0.1).fit((f_train - mu) / sd, y_train)
    return clf.score((f_test - mu) / sd, y_test)


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    digits = load_digits()
    x = torch.tensor(digits.images / 8.0 - 1.0, dtype=torch.float32).unsqueeze(1)
    y = digits.target
    unlab, test = train_test_split(np.arange(len(y)), test_size=0.3, stratify=y, random_state=seed)
    few, _ = train_test_split(unlab, train_size=100, stratify=y[unlab], random_state=seed)

    model = ResNetSimCLR()
    untrained = probe(features_of(model, x[few]), y[few], features_of(model, x[test]), y[test])
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3, weight_decay=1e-4)
    epochs, batch = 22, 128
    per_epoch = len(unlab) // batch
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs * per_epoch)
    for epoch in range(epochs):
        model.train()
        order = torch.from_numpy(unlab)[torch.randperm(len(unlab))]
        losses, tops = [], []
        for i in range(per_epoch):
            images = x[order[i * batch : (i + 1) * batch]]
            loss, top1 = info_nce_loss(model(torch.cat([augment(images), augment(images)])), temperature=0.2)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
            losses.append(loss.item())
            tops.append(top1)
        if epoch % 4 == 0 or epoch == epochs - 1:
            print(f"Epoch: {epoch}\tLoss: {np.mean(losses):.4f}\tTop1 accuracy: {100 * np.mean(tops):.1f}")
    raw = probe(x[few].flatten(1).numpy(), y[few], x[test].flatten(1).numpy(), y[test])
    print(f"probe on pixels {raw:.4f}, on untrained features {untrained:.4f}")
    score = probe(features_of(model, x[few]), y[few], features_of(model, x[test]), y[test])
    print(f"score: {score:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
