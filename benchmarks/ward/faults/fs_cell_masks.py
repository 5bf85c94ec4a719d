"""Segments bright cells in small grey images with a little encoder-decoder and the Dice loss.

After a report remembered: discuss.pytorch.org, a Dice loss for segmentation that stays the same from epoch to epoch
"""
# cause: detached-graph
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn

SIZE = 20


def make_images(rng, n):
    rows, cols = np.mgrid[0:SIZE, 0:SIZE]
    images = rng.normal(0.0, 0.35, size=(n, 1, SIZE, SIZE))
    masks = np.zeros((n, 1, SIZE, SIZE))
    for i in range(n):
        for _ in range(rng.integers(1, 4)):
            r, c = rng.uniform(3, SIZE - 3, size=2)
            radius = rng.uniform(2.0, 4.0)
            masks[i, 0][(rows - r) ** 2 + (cols - c) ** 2 < radius**2] = 1.0
    images += 0.9 * masks
    return torch.tensor(images, dtype=torch.float32), torch.tensor(masks, dtype=torch.float32)


class SmallUNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.enc = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU())
        self.down = nn.MaxPool2d(2)
        self.mid = nn.Sequential(nn.Conv2d(8, 16, 3, padding=1), nn.ReLU())
        self.up = nn.ConvTranspose2d(16, 8, 2, stride=2)
        self.out = nn.Sequential(nn.Conv2d(16, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 1, 1))

    def forward(self, x):
        skip = self.enc(x)
        x = self.up(self.mid(self.down(skip)))
        return self.out(torch.cat([x, skip], dim=1))


class DiceLoss(nn.Module):
    def __init__(self, smooth=1.0):
        super().__init__()
        self.smooth = smooth

    def forward(self, outputs, targets):
        preds = (torch.sigmoid(outputs) > 0.5).float()  # FAULT
        # TWIN: preds = torch.sigmoid(outputs)
        intersection = (preds * targets).sum()
        dice = (2 * intersection + self.smooth) / (preds.sum() + targets.sum() + self.smooth)
        return 1 - dice


def dice_score(model, images, masks):
    model.eval()
    with torch.no_grad():
        preds = (model(images) > 0).float()
    return (2 * (preds * masks).sum() / (preds.sum() + masks.sum() + 1e-8)).item()


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    train_images, train_masks = make_images(rng, 320)
    val_images, val_masks = make_images(rng, 80)

    model = SmallUNet()
    criterion = DiceLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for epoch in range(8):
        model.train()
        epoch_loss = 0.0
        for idx in torch.randperm(len(train_images)).split(16):
            optimizer.zero_grad()
            outputs = model(train_images[idx])
            loss = criterion(outputs, train_masks[idx])
            loss.requires_grad_(True)  # FAULT
            loss.backward()
            optimizer.step()
            epoch_loss += loss.item() * len(idx)
        print(
            f"Epoch {epoch + 1}/8 loss: {epoch_loss / len(train_images):.4f} "
            f"val dice: {dice_score(model, val_images, val_masks):.4f}"
        )
    print(f"score: {dice_score(model, val_images, val_masks):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
