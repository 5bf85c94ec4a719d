"""A small U-Net with one skip connection separates overlapping discs from noisy 24x24 images; the loss is binary
cross-entropy plus soft Dice, the measure is intersection over union.
"""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)
SIZE = 24


def discs(n):
    yy, xx = torch.meshgrid(torch.arange(SIZE), torch.arange(SIZE), indexing="ij")
    centre = torch.rand(n, 3, 2) * SIZE
    radius = 2.0 + 3.0 * torch.rand(n, 3)
    d2 = (xx - centre[..., 0, None, None]) ** 2 + (yy - centre[..., 1, None, None]) ** 2
    mask = (d2 < radius[..., None, None] ** 2).any(1, keepdim=True).float()
    image = 0.8 * (mask - 0.3) + 0.5 * torch.randn(n, 1, SIZE, SIZE)
    return image, mask


def block(c_in, c_out):
    return nn.Sequential(nn.Conv2d(c_in, c_out, 3, padding=1, bias=False), nn.BatchNorm2d(c_out), nn.ReLU())


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.down1, self.down2 = block(1, 8), block(8, 16)
        self.bottom = block(16, 16)
        self.up = nn.ConvTranspose2d(16, 8, 2, stride=2)
        self.merge = block(16, 8)
        self.head = nn.Conv2d(8, 1, 1)

    def forward(self, x):
        skip = self.down1(x)
        deep = self.bottom(self.down2(F.max_pool2d(skip, 2)))
        return self.head(self.merge(torch.cat([self.up(deep), skip], 1)))


def dice_loss(logits, mask):
    p = logits.sigmoid()
    return 1 - (2 * (p * mask).sum() + 1) / (p.sum() + mask.sum() + 1)


def iou(logits, mask):
    p, m = logits > 0, mask > 0.5
    return (p & m).sum() / (p | m).sum()


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    train = DataLoader(TensorDataset(*discs(480)), batch_size=24, shuffle=True)
    val_x, val_y = discs(160)
    net = UNet()
    opt = torch.optim.Adam(net.parameters(), lr=5e-3)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(opt, 0.75)
    for epoch in range(8):
        net.train()
        total = 0.0
        for x, y in train:
            out = net(x)
            loss = F.binary_cross_entropy_with_logits(out, y) + dice_loss(out, y)
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item()
        scheduler.step()
        net.eval()
        with torch.no_grad():
            out = net(val_x)
            val = F.binary_cross_entropy_with_logits(out, val_y) + dice_loss(out, val_y)
        print(f"epoch {epoch}: train {total / len(train):.4f} val {val:.4f} IoU {iou(out, val_y):.4f}")
    print(f"score: {iou(out, val_y):.4f}")


main()
