"""Segments bright cells in 16x16 microscope patches with a small encoder-decoder and a soft Dice loss written by hand.
The function returns the Dice coefficient itself, which should grow, and the optimizer makes it small."""
# cause: loss-sign
# kind: dynamic

import sys

import torch
import torch.nn as nn

torch.set_num_threads(1)


def patches(n, generator):
    grid = torch.arange(16.0)
    yy, xx = torch.meshgrid(grid, grid, indexing="ij")
    mask = torch.zeros(n, 16, 16)
    for _ in range(2):
        cy, cx = (torch.rand(2, n, 1, 1, generator=generator) * 12 + 2).unbind(0)
        radius = torch.rand(n, 1, 1, generator=generator) * 2 + 1.5
        mask = torch.maximum(mask, ((yy - cy) ** 2 + (xx - cx) ** 2 < radius**2).float())
    slope = torch.randn(n, 1, 1, generator=generator) * 0.04 * (xx - 8)
    image = mask * 0.9 + slope + 0.45 * torch.randn(n, 16, 16, generator=generator)
    return image.unsqueeze(1), mask.unsqueeze(1)


class TinyUNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.down1 = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU())
        self.down2 = nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(8, 16, 3, padding=1), nn.ReLU())
        self.up = nn.ConvTranspose2d(16, 8, 2, stride=2)
        self.last = nn.Sequential(nn.Conv2d(16, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 1, 1))

    def forward(self, x):
        a = self.down1(x)
        b = self.up(self.down2(a))
        return torch.sigmoid(self.last(torch.cat([a, b], dim=1)))


def dice_loss(pred, target, smooth=1.0):
    overlap = (pred * target).sum(dim=(1, 2, 3))
    total = pred.sum(dim=(1, 2, 3)) + target.sum(dim=(1, 2, 3))
    dice = (2 * overlap + smooth) / (total + smooth)
    return dice.mean()  # FAULT
    # TWIN: return 1 - dice.mean()


def iou(pred, target):
    found, real = pred > 0.5, target > 0.5
    return ((found & real).sum() / (found | real).sum()).item()


def main(seed):
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    images, masks = patches(640, generator)
    val_images, val_masks = patches(160, generator)
    model = TinyUNet()
    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3)
    for epoch in range(1, 13):
        model.train()
        losses = []
        for idx in torch.randperm(len(images)).split(32):
            loss = dice_loss(model(images[idx]), masks[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        model.eval()
        with torch.no_grad():
            pred = model(val_images)
        val_loss = dice_loss(pred, val_masks).item()
        print(f"epoch {epoch}: loss {sum(losses) / len(losses):.4f} val loss {val_loss:.4f}")
    print(f"score: {iou(pred, val_masks):.4f}")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
