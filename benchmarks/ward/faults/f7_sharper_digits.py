"""Doubles the size of small digit pictures. The last layer is a transposed convolution whose kernel of three its stride
of two does not divide, so that neighbouring pixels get unequal numbers of terms."""
# cause: checkerboard
# kind: structural

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits


class Doubler(nn.Module):
    def __init__(self, width=24):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, width, 3, padding=1), nn.ReLU()
        )
        self.up = nn.ConvTranspose2d(width, 1, 3, stride=2, padding=1, output_padding=1)  # FAULT
        # TWIN: self.up = nn.ConvTranspose2d(width, 1, 4, stride=2, padding=1)

    def forward(self, x):
        return self.up(self.body(x))


def psnr(a, b):
    return -10 * torch.log10(F.mse_loss(a, b)).item()


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    large = torch.tensor(load_digits().images, dtype=torch.float32).unsqueeze(1) / 16
    small = F.avg_pool2d(large, 2)
    order = torch.randperm(len(large))
    train, test = order[:1400], order[1400:]
    model = Doubler()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(12):
        total = 0.0
        for idx in train[torch.randperm(len(train))].split(35):
            loss = F.mse_loss(model(small[idx]), large[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        with torch.no_grad():
            quality = psnr(model(small[test]), large[test])
        print(f"epoch {epoch + 1:2d}  mse {total / 40:.5f}  psnr {quality:.3f} dB")
    print(f"score: {quality:.4f}")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
