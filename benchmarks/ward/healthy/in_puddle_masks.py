"""Marks the puddles in 24 x 24 pictures of a yard, with a small encoder-decoder and one skip connection."""

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def yard(n, rng):
    y, x = np.mgrid[0:24, 0:24]
    pictures, masks = np.zeros((n, 1, 24, 24), np.float32), np.zeros((n, 1, 24, 24), np.float32)
    for i in range(n):
        for _ in range(rng.integers(1, 4)):
            cy, cx, a, b = *rng.uniform(3, 21, 2), *rng.uniform(2.5, 6, 2)
            masks[i, 0] = np.maximum(masks[i, 0], ((y - cy) / a) ** 2 + ((x - cx) / b) ** 2 < 1)
        shade = rng.uniform(-0.5, 0.5) * (x - 12) / 12
        pictures[i, 0] = -1.0 * masks[i, 0] + shade + rng.normal(0, 0.5, (24, 24))
    return torch.from_numpy((pictures + 0.25) / 0.75), torch.from_numpy(masks)


class SmallUNet(nn.Module):
    def __init__(self, c=12):
        super().__init__()
        self.down = nn.Sequential(nn.Conv2d(1, c, 3, padding=1), nn.BatchNorm2d(c), nn.ReLU())
        self.middle = nn.Sequential(nn.Conv2d(c, 2 * c, 3, padding=1), nn.BatchNorm2d(2 * c), nn.ReLU())
        self.up = nn.ConvTranspose2d(2 * c, c, kernel_size=2, stride=2)
        self.out = nn.Sequential(nn.Conv2d(2 * c, c, 3, padding=1), nn.ReLU(), nn.Conv2d(c, 1, 1))

    def forward(self, x):
        fine = self.down(x)
        coarse = self.middle(nn.functional.max_pool2d(fine, 2))
        return self.out(torch.cat([fine, self.up(coarse)], dim=1))


@torch.no_grad()
def iou(model, pictures, masks):
    model.eval()
    guess = model(pictures) > 0
    return ((guess & (masks > 0)).sum() / (guess | (masks > 0)).sum()).item()


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    train, (pictures, masks) = TensorDataset(*yard(600, rng)), yard(150, rng)
    loader = DataLoader(train, batch_size=20, shuffle=True)
    model = SmallUNet()
    criterion = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(8):
        model.train()
        total = 0.0
        for x, y in loader:
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
            total += loss.item() / len(loader)
        print(f"epoch {epoch + 1}: loss {total:.4f}  IoU {iou(model, pictures, masks):.4f}")
    print(f"score: {iou(model, pictures, masks):.4f}")


if __name__ == "__main__":
    main()
