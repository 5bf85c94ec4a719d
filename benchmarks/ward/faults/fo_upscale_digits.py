"""A little SRGAN: upscales 4x4 digit images to 8x8 with a residual generator and an adversarial term.

After https://github.com/leftthomas/SRGAN/issues/94
"""
# cause: under-trained
# accept: learning-rate-too-low
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from sklearn.datasets import load_digits
from torch.optim.lr_scheduler import StepLR
from torch.utils.data import DataLoader, TensorDataset


class Residual(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.act = nn.PReLU()
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x):
        return x + self.conv2(self.act(self.conv1(x)))


class Generator(nn.Module):
    def __init__(self, channels=16):
        super().__init__()
        self.head = nn.Sequential(nn.Conv2d(1, channels, 3, padding=1), nn.PReLU())
        self.body = nn.Sequential(Residual(channels), Residual(channels))
        self.up = nn.Sequential(nn.Conv2d(channels, 4, 3, padding=1), nn.PixelShuffle(2))

    def forward(self, x):
        return self.up(self.body(self.head(x)))


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(1, 12, 3, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(12, 24, 3, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Flatten(),
            nn.Linear(24 * 2 * 2, 1),
        )

    def forward(self, x):
        return self.net(x)


def psnr(netG, lr_images, hr_images):
    netG.eval()
    with torch.no_grad():
        mse = F.mse_loss(netG(lr_images).clamp(0, 1), hr_images).item()
    return 10 * np.log10(1.0 / mse)


def main(seed):
    torch.manual_seed(seed)
    np.random.seed(seed)
    torch.set_num_threads(1)

    images = torch.tensor(load_digits().images / 16.0, dtype=torch.float32).unsqueeze(1)
    images = images[torch.randperm(len(images))]
    train_hr, val_hr = images[:1400], images[1400:]
    train_lr, val_lr = F.avg_pool2d(train_hr, 2), F.avg_pool2d(val_hr, 2)
    loader = DataLoader(TensorDataset(train_lr, train_hr), batch_size=32, shuffle=True)

    epochs = 8
    netG, netD = Generator(), Discriminator()
    optimizerG = optim.Adam(netG.parameters(), lr=2e-3)
    optimizerD = optim.Adam(netD.parameters(), lr=2e-3)
    schedulerG = StepLR(optimizerG, step_size=epochs // 2, gamma=0.1)
    schedulerD = StepLR(optimizerD, step_size=epochs // 2, gamma=0.1)

    for epoch in range(1, epochs + 1):
        netG.train()
        netD.train()
        running_g = running_d = 0.0
        for data, target in loader:
            fake = netG(data)
            real_out, fake_out = netD(target), netD(fake.detach())
            d_loss = F.binary_cross_entropy_with_logits(
                real_out, torch.ones_like(real_out)
            ) + F.binary_cross_entropy_with_logits(fake_out, torch.zeros_like(fake_out))
            optimizerD.zero_grad()
            d_loss.backward()
            optimizerD.step()

            fake_out = netD(fake)
            adversarial = F.binary_cross_entropy_with_logits(fake_out, torch.ones_like(fake_out))
            g_loss = F.mse_loss(fake, target) + 0.0005 * adversarial
            optimizerG.zero_grad()
            g_loss.backward()
            optimizerG.step()
            running_g += g_loss.item()
            running_d += d_loss.item()
            schedulerG.step()  # FAULT
            schedulerD.step()  # FAULT
        # TWIN: schedulerG.step()
        # TWIN: schedulerD.step()
        print(
            f"[{epoch}/{epochs}] Loss_D: {running_d / len(loader):.4f} Loss_G: {running_g / len(loader):.4f} "
            f"PSNR: {psnr(netG, val_lr, val_hr):.2f} dB"
        )

    bicubic = F.interpolate(val_lr, scale_factor=2, mode="bicubic", align_corners=False).clamp(0, 1)
    print(f"bicubic for comparison: {10 * np.log10(1.0 / F.mse_loss(bicubic, val_hr).item()):.2f} dB")
    print(f"score: {psnr(netG, val_lr, val_hr):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
