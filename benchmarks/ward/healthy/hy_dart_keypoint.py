"""Where a dart's tip is in a picture: convolutions with stride, then two coordinates between -1 and 1,
smooth L1 loss."""

import math
import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def darts(n, rng):
    yy, xx = np.mgrid[:20, :20]
    tip = rng.uniform(4, 15, (n, 2))
    angle = rng.uniform(-0.6, 0.6, n) + math.pi / 4
    images = rng.normal(0, 0.12, (n, 20, 20))
    for i in range(n):
        for k in range(6):
            cx, cy = tip[i, 0] + k * math.cos(angle[i]), tip[i, 1] + k * math.sin(angle[i])
            images[i] += (1.0 if k == 0 else 0.5) * np.exp(-((xx - cx) ** 2 + (yy - cy) ** 2) / 1.5)
    x = (images - 0.09) / 0.28
    return TensorDataset(torch.tensor(x).float().unsqueeze(1), torch.tensor(tip / 9.5 - 1).float())


class TipNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv2d(1, 12, 3, stride=2, padding=1),
            nn.LeakyReLU(0.1),
            nn.Conv2d(12, 24, 3, stride=2, padding=1),
            nn.LeakyReLU(0.1),
        )
        self.fc = nn.Sequential(nn.Flatten(), nn.Linear(24 * 25, 64), nn.LeakyReLU(0.1), nn.Linear(64, 2))

    def forward(self, x):
        return self.fc(self.conv(x))


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    train = DataLoader(darts(1400, rng), batch_size=40, shuffle=True)
    x_test, y_test = darts(300, rng).tensors
    model = TipNet()
    criterion = nn.SmoothL1Loss(beta=0.1)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=10 * len(train))
    for epoch in range(10):
        model.train()
        total = 0.0
        for x, y in train:
            loss = criterion(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
            total += loss.item()
        model.eval()
        with torch.no_grad():
            r2 = 1 - (model(x_test) - y_test).square().mean().item() / y_test.var(dim=0).mean().item()
        print(f"epoch {epoch + 1} loss {total / len(train):.4f} R2 {r2:.4f}")
    print(f"score: {r2:.4f}")


main()
