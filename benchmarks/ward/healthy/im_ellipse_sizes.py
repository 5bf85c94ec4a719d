"""Length, width and tilt of an ellipse in a noisy picture, by a small CNN with batch normalization."""

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

BATCH_SIZE = 32
EPOCHS = 12
LEARNING_RATE = 3e-3


def make_pictures(n, seed):
    rng = np.random.default_rng(seed)
    yy, xx = np.mgrid[-1:1:20j, -1:1:20j]
    length = rng.uniform(0.45, 0.85, n)
    width = rng.uniform(0.15, 0.4, n)
    tilt = rng.uniform(0, np.pi, n)
    cx, cy = rng.uniform(-0.15, 0.15, (2, n, 1, 1))
    c, s = np.cos(tilt)[:, None, None], np.sin(tilt)[:, None, None]
    u = (xx - cx) * c + (yy - cy) * s
    v = -(xx - cx) * s + (yy - cy) * c
    inside = (u / length[:, None, None]) ** 2 + (v / width[:, None, None]) ** 2
    pictures = 1 / (1 + np.exp(8 * (inside - 1))) + rng.normal(0, 0.15, inside.shape)
    targets = np.stack([(length - 0.65) / 0.115, (width - 0.275) / 0.072, np.cos(2 * tilt), np.sin(2 * tilt)], axis=1)
    pictures = (pictures - 0.25) / 0.45
    return torch.tensor(pictures[:, None], dtype=torch.float32), torch.tensor(targets, dtype=torch.float32)


class EllipseNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        self.conv2 = nn.Conv2d(8, 16, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(16)
        self.fc1 = nn.Linear(16 * 5 * 5, 64)
        self.fc2 = nn.Linear(64, 4)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 2)
        x = F.max_pool2d(F.relu(self.bn2(self.conv2(x))), 2)
        x = F.relu(self.fc1(x.flatten(1)))
        return self.fc2(x)


def evaluate(model, pictures, targets):
    model.eval()
    with torch.no_grad():
        error = ((model(pictures) - targets) ** 2).mean(dim=0)
    return (1 - error / targets.var(dim=0)).mean().item()


if __name__ == "__main__":
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    train_loader = DataLoader(TensorDataset(*make_pictures(2000, seed)), batch_size=BATCH_SIZE, shuffle=True)
    val_pictures, val_targets = make_pictures(400, seed + 1000)
    model = EllipseNet()
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, weight_decay=1e-2)
    steps = EPOCHS * len(train_loader)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for epoch in range(EPOCHS):
        model.train()
        losses = []
        for pictures, targets in train_loader:
            loss = F.mse_loss(model(pictures), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
            losses.append(loss.item())
        r2 = evaluate(model, val_pictures, val_targets)
        print(f"epoch {epoch + 1:2d}: loss {np.mean(losses):.4f}, validation R2 {r2:.4f}")
    print(f"score: {r2:.4f}")
