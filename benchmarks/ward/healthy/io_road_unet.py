"""Road segmentation in small aerial-like tiles: a two-level U-Net with group norm, BCE plus soft Dice, AdamW, random
flips, the best checkpoint kept. Score: mean IoU of the road on test tiles.
"""

import copy
import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset

torch.set_num_threads(1)
SIZE = 32


class Tiles(Dataset):
    def __init__(self, n, seed, augment=False):
        rng = np.random.default_rng(seed)
        self.augment = augment
        yy, xx = np.mgrid[:SIZE, :SIZE]
        images, masks = [], []
        for _ in range(n):
            mask = np.zeros((SIZE, SIZE), bool)
            for _ in range(rng.integers(1, 3)):
                a, bend = rng.uniform(0, np.pi), rng.uniform(-0.012, 0.012)
                u = (xx - rng.uniform(8, 24)) * np.cos(a) + (yy - rng.uniform(8, 24)) * np.sin(a)
                v = -(xx - 16) * np.sin(a) + (yy - 16) * np.cos(a)
                mask |= abs(u + bend * v**2) < rng.uniform(1.5, 2.8)
            ground = np.array([0.25, 0.42, 0.22]) + rng.normal(0, 0.04, 3)
            image = np.broadcast_to(ground, (SIZE, SIZE, 3)).copy()
            for _ in range(rng.integers(0, 4)):
                r, c = rng.integers(0, 26, 2)
                image[r : r + rng.integers(3, 7), c : c + rng.integers(3, 7)] = rng.uniform(0.35, 0.7)
            image[mask] = 0.5 + rng.normal(0, 0.03)
            images.append((image + rng.normal(0, 0.06, image.shape)).clip(0, 1))
            masks.append(mask)
        self.images = torch.tensor(np.stack(images), dtype=torch.float32).permute(0, 3, 1, 2)
        self.masks = torch.tensor(np.stack(masks), dtype=torch.float32)[:, None]

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        x, y = (self.images[i] - 0.4) / 0.15, self.masks[i]
        if self.augment:
            dims = [d for d in (1, 2) if torch.rand(()) < 0.5]
            x, y = x.flip(dims), y.flip(dims)
        return x, y


def double(i, o):
    return nn.Sequential(
        nn.Conv2d(i, o, 3, padding=1),
        nn.GroupNorm(4, o),
        nn.ReLU(),
        nn.Conv2d(o, o, 3, padding=1),
        nn.GroupNorm(4, o),
        nn.ReLU(),
    )


class UNet(nn.Module):
    def __init__(self, c=8):
        super().__init__()
        self.d1, self.d2, self.mid = double(3, c), double(c, 2 * c), double(2 * c, 4 * c)
        self.up2, self.up1 = nn.ConvTranspose2d(4 * c, 2 * c, 2, 2), nn.ConvTranspose2d(2 * c, c, 2, 2)
        self.u2, self.u1, self.out = double(4 * c, 2 * c), double(2 * c, c), nn.Conv2d(c, 1, 1)

    def forward(self, x):
        a = self.d1(x)
        b = self.d2(F.max_pool2d(a, 2))
        m = self.mid(F.max_pool2d(b, 2))
        b = self.u2(torch.cat([b, self.up2(m)], 1))
        return self.out(self.u1(torch.cat([a, self.up1(b)], 1)))


def criterion(logits, y):
    p = logits.sigmoid()
    dice = 1 - (2 * (p * y).sum((1, 2, 3)) + 1) / (p.sum((1, 2, 3)) + y.sum((1, 2, 3)) + 1)
    return F.binary_cross_entropy_with_logits(logits, y) + dice.mean()


@torch.no_grad()
def evaluate(model, loader):
    model.eval()
    losses, ious = [], []
    for x, y in loader:
        out = model(x)
        losses.append(criterion(out, y))
        hit, y = out > 0, y > 0
        ious.append((hit & y).sum((1, 2, 3)) / (hit | y).sum((1, 2, 3)).clamp(min=1))
    return torch.stack(losses).mean().item(), torch.cat(ious).mean().item()


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    train = DataLoader(Tiles(320, 10 * seed, augment=True), batch_size=16, shuffle=True)
    val, test = DataLoader(Tiles(96, 10 * seed + 1), 96), DataLoader(Tiles(128, 10 * seed + 2), 64)
    model = UNet()
    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3, weight_decay=1e-4)
    scheduler = torch.optim.lr_scheduler.PolynomialLR(optimizer, total_iters=12, power=0.9)
    best, best_state = 0.0, None
    for epoch in range(1, 12):
        model.train()
        total = 0.0
        for x, y in train:
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
            total += loss.item()
        scheduler.step()
        val_loss, iou = evaluate(model, val)
        if iou > best:
            best, best_state = iou, copy.deepcopy(model.state_dict())
        print(f"epoch {epoch}: train {total / len(train):.4f} val {val_loss:.4f} iou {iou:.4f}")
    model.load_state_dict(best_state)
    print(f"score: {evaluate(model, test)[1]:.4f}")


if __name__ == "__main__":
    main()
