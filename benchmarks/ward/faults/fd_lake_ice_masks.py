"""Outlines lake ice in radar patches with a little encoder-decoder trained on the overlap with the drawn mask.

Dice was chosen as the loss because most of a patch is open water.
"""
# cause: loss-sign
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset


class IcePatches(Dataset):
    """Two or three floes with speckle all over the picture."""

    def __init__(self, count, seed, size=24):
        rng = np.random.default_rng(seed)
        yy, xx = np.mgrid[:size, :size]
        self.items = []
        for _ in range(count):
            mask = np.zeros((size, size), dtype=bool)
            for _ in range(rng.integers(2, 4)):
                cy, cx = rng.uniform(3, size - 3, 2)
                a, b = rng.uniform(2.0, 5.0, 2)
                mask |= ((yy - cy) / a) ** 2 + ((xx - cx) / b) ** 2 < 1
            image = 0.9 * mask - 0.3 + rng.normal(0, 0.5, mask.shape)
            self.items.append((image[None].astype(np.float32), mask[None].astype(np.float32)))

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i]


class IceNet(nn.Module):
    def __init__(self, c=12):
        super().__init__()
        self.down1 = nn.Conv2d(1, c, 3, padding=1)
        self.down2 = nn.Conv2d(c, 2 * c, 3, padding=1)
        self.middle = nn.Conv2d(2 * c, 2 * c, 3, padding=1)
        self.up = nn.Conv2d(3 * c, c, 3, padding=1)
        self.out = nn.Conv2d(c, 1, 1)

    def forward(self, x):
        fine = F.relu(self.down1(x))
        coarse = F.relu(self.down2(F.max_pool2d(fine, 2)))
        coarse = F.relu(self.middle(coarse))
        coarse = F.interpolate(coarse, scale_factor=2, mode="nearest")
        return self.out(F.relu(self.up(torch.cat([fine, coarse], dim=1))))


class DiceLoss(nn.Module):
    def forward(self, logits, mask):
        p = torch.sigmoid(logits)
        overlap = (p * mask).sum(dim=(1, 2, 3))
        dice = (2 * overlap + 1) / (p.sum(dim=(1, 2, 3)) + mask.sum(dim=(1, 2, 3)) + 1)
        return dice.mean()  # FAULT
        # TWIN: return 1 - dice.mean()


def intersection_over_union(net, loader):
    net.eval()
    both = either = 0.0
    with torch.no_grad():
        for image, mask in loader:
            ice = net(image) > 0
            both += (ice & (mask > 0.5)).sum().item()
            either += (ice | (mask > 0.5)).sum().item()
    return both / either


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    train_loader = DataLoader(IcePatches(800, seed), batch_size=16, shuffle=True)
    val_loader = DataLoader(IcePatches(200, seed + 1000), batch_size=100)
    net = IceNet()
    criterion = DiceLoss()
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    for epoch in range(5):
        net.train()
        losses = []
        for image, mask in train_loader:
            optimizer.zero_grad()
            loss = criterion(net(image), mask)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        print(f"Epoch {epoch + 1}/5, loss {np.mean(losses):.4f}")
    print(f"score: {intersection_over_union(net, val_loader):.4f}")


if __name__ == "__main__":
    main()
