"""Super-resolution: digits averaged down to 4x4 are brought back to 8x8 by a convolution and a pixel shuffle that adds
to bilinear upsampling; scored by PSNR over that of bilinear upsampling alone.
"""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)


class Upscaler(nn.Module):
    def __init__(self, width=24):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, width, 3, padding=1),
            nn.LeakyReLU(0.1),
            nn.Conv2d(width, width, 3, padding=1),
            nn.LeakyReLU(0.1),
            nn.Conv2d(width, 4, 3, padding=1),
            nn.PixelShuffle(2),
        )

    def forward(self, small):
        base = F.interpolate(small, scale_factor=2, mode="bilinear", align_corners=False)
        return base + self.body(small)


def psnr(a, b):
    return -10 * torch.log10(F.mse_loss(a, b))


images = torch.tensor(load_digits().images, dtype=torch.float32).unsqueeze(1) / 16
big_train, big_test = train_test_split(images, test_size=0.2, random_state=seed)
small_train, small_test = F.avg_pool2d(big_train, 2), F.avg_pool2d(big_test, 2)

model = Upscaler()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(1, 13):
    model.train()
    perm = torch.randperm(len(big_train))
    for i in range(0, len(perm), 32):
        idx = perm[i : i + 32]
        optimizer.zero_grad()
        loss = F.l1_loss(model(small_train[idx]), big_train[idx])
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        train_l1 = F.l1_loss(model(small_train), big_train)
        test_l1 = F.l1_loss(model(small_test), big_test)
        gain = psnr(model(small_test), big_test)
    print(f"epoch {epoch:2d} l1 train {train_l1:.4f} test {test_l1:.4f} test psnr {gain:.2f} dB")

plain = psnr(F.interpolate(small_test, scale_factor=2, mode="bilinear", align_corners=False), big_test)
print(f"bilinear alone {plain:.2f} dB")
print(f"score: {(gain - plain).item():.4f}")
