"""Pores in X-ray pictures of weld seams, marked pixel by pixel: a small U-Net with group normalization, cross-entropy
plus Dice, AdamW with a cosine schedule. Score: Dice on held-out pictures.
"""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)


def seams(n, size=32):
    axis = torch.arange(size).float()
    yy, xx = torch.meshgrid(axis, axis, indexing="ij")
    images, masks = [], []
    for _ in range(n):
        middle = 16 + 3 * torch.randn(1) + 2 * torch.sin(xx / 6 + 6 * torch.rand(1))
        seam = torch.exp(-((yy - middle) ** 2) / 40)
        mask = torch.zeros(size, size)
        for _ in range(int(torch.randint(1, 5, ()))):
            cx, cy = 3 + 26 * torch.rand(1), 16 + 4 * torch.randn(1)
            r = 1.5 + 2.5 * torch.rand(1)
            mask = torch.maximum(mask, ((xx - cx) ** 2 + (yy - cy) ** 2 < r**2).float())
        image = 0.8 * seam - 0.45 * mask + 0.15 * torch.randn(size, size)
        images.append(image)
        masks.append(mask)
    return (torch.stack(images).unsqueeze(1) - 0.35) / 0.35, torch.stack(masks).unsqueeze(1)


def double_conv(n_in, n_out):
    return nn.Sequential(
        nn.Conv2d(n_in, n_out, 3, padding=1),
        nn.GroupNorm(4, n_out),
        nn.ReLU(),
        nn.Conv2d(n_out, n_out, 3, padding=1),
        nn.GroupNorm(4, n_out),
        nn.ReLU(),
    )


class UNet(nn.Module):
    def __init__(self, base=8):
        super().__init__()
        self.enc1, self.enc2 = double_conv(1, base), double_conv(base, 2 * base)
        self.mid = double_conv(2 * base, 4 * base)
        self.up2, self.up1 = nn.ConvTranspose2d(4 * base, 2 * base, 2, 2), nn.ConvTranspose2d(2 * base, base, 2, 2)
        self.dec2, self.dec1 = double_conv(4 * base, 2 * base), double_conv(2 * base, base)
        self.head = nn.Conv2d(base, 1, 1)

    def forward(self, x):
        a = self.enc1(x)
        b = self.enc2(F.max_pool2d(a, 2))
        c = self.mid(F.max_pool2d(b, 2))
        b = self.dec2(torch.cat([self.up2(c), b], 1))
        a = self.dec1(torch.cat([self.up1(b), a], 1))
        return self.head(a)


def dice_loss(logits, target, eps=1.0):
    p = logits.sigmoid()
    return 1 - (2 * (p * target).sum() + eps) / (p.sum() + target.sum() + eps)


@torch.no_grad()
def hard_dice(model, loader):
    model.eval()
    both = total = 0.0
    for x, y in loader:
        p = (model(x) > 0).float()
        both, total = both + (p * y).sum().item(), total + (p.sum() + y.sum()).item()
    return 2 * both / total


if __name__ == "__main__":
    torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    train_dl = DataLoader(TensorDataset(*seams(480)), batch_size=16, shuffle=True)
    val_dl, test_dl = [DataLoader(TensorDataset(*seams(n)), batch_size=40) for n in (80, 160)]
    model, epochs = UNet(), 7
    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3, weight_decay=1e-3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    for epoch in range(epochs):
        model.train()
        total = 0.0
        for x, y in train_dl:
            logits = model(x)
            loss = F.binary_cross_entropy_with_logits(logits, y) + dice_loss(logits, y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        scheduler.step()
        print(f"epoch {epoch + 1} loss {total / len(train_dl):.4f} val dice {hard_dice(model, val_dl):.4f}")
    print(f"score: {hard_dice(model, test_dl):.4f}")
