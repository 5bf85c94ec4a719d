"""The angle of a soft bar drawn on a 16x16 picture, regressed as (cos 2a, sin 2a) by a small CNN; mean squared error,
score is one minus the mean angular error over 45 degrees (the error of guessing).
"""

import math
import sys

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.set_num_threads(1)


def draw_bars(n, rng):
    yy, xx = np.mgrid[-1:1:16j, -1:1:16j]
    angle = rng.uniform(0, math.pi, n)[:, None, None]
    cx, cy = rng.uniform(-0.25, 0.25, (2, n, 1, 1))
    across = -(xx - cx) * np.sin(angle) + (yy - cy) * np.cos(angle)
    along = (xx - cx) * np.cos(angle) + (yy - cy) * np.sin(angle)
    picture = np.exp(-((across / 0.15) ** 2)) * (np.abs(along) < 0.8) + 0.15 * rng.normal(size=(n, 16, 16))
    target = np.concatenate([np.cos(2 * angle), np.sin(2 * angle)], axis=1)[:, :, 0]
    return torch.tensor(picture[:, None], dtype=torch.float32), torch.tensor(target, dtype=torch.float32)


class AngleNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(8, 16, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
        )
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(256, 48), nn.ReLU(), nn.Linear(48, 2))

    def forward(self, x):
        return self.head(self.features(x))


def angular_error(output, target):
    difference = torch.atan2(output[:, 1], output[:, 0]) - torch.atan2(target[:, 1], target[:, 0])
    difference = torch.remainder(difference + math.pi, 2 * math.pi) - math.pi
    return (difference.abs() / 2).mean().item() * 180 / math.pi


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    full = TensorDataset(*draw_bars(2500, np.random.default_rng(seed)))
    train_set, val_set = random_split(full, [2000, 500])
    train_loader = DataLoader(train_set, batch_size=50, shuffle=True)
    val_loader = DataLoader(val_set, batch_size=500)
    net, criterion = AngleNet(), nn.MSELoss()
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    for epoch in range(12):
        net.train()
        train_loss = 0.0
        for pictures, targets in train_loader:
            optimizer.zero_grad()
            loss = criterion(net(pictures), targets)
            loss.backward()
            optimizer.step()
            train_loss += loss.item() / len(train_loader)
        net.eval()
        with torch.no_grad():
            pictures, targets = next(iter(val_loader))
            out = net(pictures)
        degrees = angular_error(out, targets)
        print(
            f"epoch {epoch + 1}: train {train_loss:.4f} val {criterion(out, targets):.4f} error {degrees:.2f} degrees"
        )
    print(f"score: {1 - degrees / 45:.4f}")


if __name__ == "__main__":
    main()
