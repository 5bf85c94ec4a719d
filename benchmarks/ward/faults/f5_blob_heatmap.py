"""Finds bright blobs: a small conv net gives, for every pixel of a noisy 16x16 image, the logit of lying on a blob.

Fault: the prior for the bias of the output layer (RetinaNet's trick, about -2.2) is set on every conv layer, so
almost no hidden ReLU ever fires.
"""
# cause: dead-units
# accept: bad-initialization
# kind: dynamic

import math
import sys

import torch
from torch import nn


class HeatmapNet(nn.Module):
    def __init__(self, prior=0.1):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 12, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(12, 12, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(12, 12, 3, padding=1),
            nn.ReLU(),
        )
        self.head = nn.Conv2d(12, 1, 1)
        # TWIN: for m in [self.head]:
        for m in self.modules():  # FAULT
            if isinstance(m, nn.Conv2d):
                nn.init.constant_(m.bias, -math.log((1 - prior) / prior))

    def forward(self, x):
        return self.head(self.body(x))


def draw(n, gen):
    grid = torch.arange(16.0)
    image, mask = torch.zeros(n, 16, 16), torch.zeros(n, 16, 16)
    for _ in range(3):
        cy, cx = 2 + 12 * torch.rand(2, n, 1, 1, generator=gen)
        radius = 1.5 + 1.5 * torch.rand(n, 1, 1, generator=gen)
        d2 = (grid.view(1, 16, 1) - cy) ** 2 + (grid.view(1, 1, 16) - cx) ** 2
        image = torch.maximum(image, torch.exp(-d2 / (2 * radius**2)))
        mask = torch.maximum(mask, (d2 < radius**2).float())
    image = image + 0.25 * torch.randn(n, 16, 16, generator=gen)
    return ((image - 0.25) / 0.4).unsqueeze(1), mask.unsqueeze(1)


def dice(logits, mask):
    pred = (logits > 0).float()
    return (2 * (pred * mask).sum() / (pred.sum() + mask.sum())).item()


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    gen = torch.Generator().manual_seed(seed)
    images, masks = draw(400, gen)
    val_images, val_masks = draw(150, gen)

    net = HeatmapNet()
    criterion = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    for epoch in range(8):
        net.train()
        perm = torch.randperm(len(images))
        epoch_loss = 0.0
        for i in range(0, len(images), 20):
            batch = perm[i : i + 20]
            optimizer.zero_grad()
            loss = criterion(net(images[batch]), masks[batch])
            loss.backward()
            optimizer.step()
            epoch_loss += loss.item() * len(batch) / len(images)
        net.eval()
        with torch.no_grad():
            logits = net(val_images)
            val_loss = criterion(logits, val_masks).item()
        val_dice = dice(logits, val_masks)
        print(f"epoch {epoch}: loss {epoch_loss:.4f}, val loss {val_loss:.4f}, val dice {val_dice:.4f}")
    print(f"score: {val_dice:.4f}")


if __name__ == "__main__":
    main()
