"""Marking QRS complexes sample by sample in noisy ECG strips: a small 1-D U-Net, BCE plus Dice. Score: held-out
Dice.
"""

import argparse
import math

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset, random_split

torch.set_num_threads(1)


class Strips(Dataset):
    def __init__(self, n, length=256):
        t = torch.arange(length).float()
        self.x, self.y = torch.zeros(n, 1, length), torch.zeros(n, 1, length)
        for i in range(n):
            beat, period = float(10 + 30 * torch.rand(1)), float(45 + 35 * torch.rand(1))
            while beat < length:
                for shift, width, gain in (
                    (-16, 4, 0.25),
                    (-3, 1.2, -0.2),
                    (0, 1.8, 1.0),
                    (3, 1.5, -0.3),
                    (22, 7, 0.4),
                ):
                    self.x[i, 0] += (
                        gain * (0.8 + 0.4 * float(torch.rand(1))) * torch.exp(-(((t - beat - shift) / width) ** 2) / 2)
                    )
                self.y[i, 0][(t - beat).abs() <= 6] = 1
                beat += period * float(0.9 + 0.2 * torch.rand(1))
            wander = 0.4 * torch.sin(2 * math.pi * (t / 180 + torch.rand(1)))
            self.x[i, 0] += wander + 0.15 * torch.randn(length)

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return self.x[i], self.y[i]


def block(i, o):
    return nn.Sequential(
        nn.Conv1d(i, o, 7, padding=3),
        nn.BatchNorm1d(o),
        nn.ReLU(),
        nn.Conv1d(o, o, 7, padding=3),
        nn.BatchNorm1d(o),
        nn.ReLU(),
    )


class UNet1d(nn.Module):
    def __init__(self):
        super().__init__()
        self.down1, self.down2, self.middle = block(1, 8), block(8, 16), block(16, 24)
        self.pool = nn.MaxPool1d(2)
        self.up2, self.up1 = nn.ConvTranspose1d(24, 16, 2, 2), nn.ConvTranspose1d(16, 8, 2, 2)
        self.fuse2, self.fuse1 = block(32, 16), block(16, 8)
        self.out = nn.Conv1d(8, 1, 1)

    def forward(self, x):
        a = self.down1(x)
        b = self.down2(self.pool(a))
        h = self.up2(self.middle(self.pool(b)))
        h = self.up1(self.fuse2(torch.cat([h, b], 1)))
        return self.out(self.fuse1(torch.cat([h, a], 1)))


def dice(p, y):
    return (2 * (p * y).sum() + 1) / (p.sum() + y.sum() + 1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", nargs="?", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=8)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    train_set, val_set = random_split(Strips(560), [448, 112])
    train_loader, val_loader = DataLoader(train_set, 16, shuffle=True), DataLoader(val_set, 112)
    model, bce = UNet1d(), nn.BCEWithLogitsLoss()
    optimizer = torch.optim.AdamW(model.parameters(), lr=8e-3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, args.epochs * len(train_loader))
    for epoch in range(args.epochs):
        model.train()
        for x, y in train_loader:
            logits = model(x)
            loss = bce(logits, y) + 1 - dice(logits.sigmoid(), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
        model.eval()
        with torch.no_grad():
            for x, y in val_loader:
                logits = model(x)
                val_loss, val_dice = bce(logits, y).item(), dice((logits > 0).float(), y).item()
        print(f"epoch {epoch}: train loss {loss.item():.4f} val bce {val_loss:.4f} dice {val_dice:.4f}")
    print(f"score: {val_dice:.4f}")
