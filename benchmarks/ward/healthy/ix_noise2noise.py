"""Denoising without clean images: the network maps one noisy copy of an image to another noisy copy of it; the gain in PSNR on
clean test images is the score.

After https://github.com/joeylitalien/noise2noise-pytorch (Lehtinen et al. 2018).
"""

import sys

import numpy as np
import torch
import torch.nn as nn
from torch.optim import Adam, lr_scheduler
from torch.utils.data import DataLoader, Dataset

SIGMA = 0.25


def clean_images(n, gen, size=20):
    """Overlapping soft-edged discs and bars on a gradient, values in [0, 1]."""
    line = torch.linspace(-1, 1, size)
    yy, xx = torch.meshgrid(line, line, indexing="ij")
    u = torch.rand(n, 4, 7, 1, 1, generator=gen)
    images = 0.5 + 0.3 * (u[:, 0, 0] - 0.5) * xx + 0.3 * (u[:, 0, 1] - 0.5) * yy
    for k in range(4):
        cx, cy, r, shade, phi = (u[:, k, i] for i in range(2, 7))
        cx, cy, r = 1.6 * cx - 0.8, 1.6 * cy - 0.8, 0.2 + 0.3 * r
        if k < 2:
            distance = ((xx - cx) ** 2 + (yy - cy) ** 2).sqrt() - r
        else:
            distance = ((xx - cx) * (6.28 * phi).cos() + (yy - cy) * (6.28 * phi).sin()).abs() - r / 3
        cover = torch.sigmoid(-distance / 0.04)
        images = images * (1 - cover) + shade * cover
    return images.unsqueeze(1)


class NoisyPairs(Dataset):
    """A fixed noisy source and a fixed noisy target for each image, as if photographed twice."""

    def __init__(self, n, gen):
        clean = clean_images(n, gen)
        self.source = clean + SIGMA * torch.randn(clean.shape, generator=gen)
        self.target = clean + SIGMA * torch.randn(clean.shape, generator=gen)
        self.clean = clean

    def __len__(self):
        return len(self.source)

    def __getitem__(self, i):
        source, target = self.source[i], self.target[i]
        if torch.rand(()) < 0.5:
            source, target = source.flip(2), target.flip(2)
        if torch.rand(()) < 0.5:
            source, target = source.flip(1), target.flip(1)
        return source, target


class UNet(nn.Module):
    def __init__(self, w=16):
        super().__init__()
        act = lambda: nn.LeakyReLU(0.1)
        self.block1 = nn.Sequential(nn.Conv2d(1, w, 3, padding=1), act(), nn.Conv2d(w, w, 3, padding=1), act())
        self.pool = nn.MaxPool2d(2)
        self.block2 = nn.Sequential(
            nn.Conv2d(w, 2 * w, 3, padding=1), act(), nn.Conv2d(2 * w, 2 * w, 3, padding=1), act()
        )
        self.up = nn.Upsample(scale_factor=2, mode="nearest")
        self.block3 = nn.Sequential(nn.Conv2d(3 * w + 1, w, 3, padding=1), act(), nn.Conv2d(w, 1, 3, padding=1))
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, a=0.1)
                nn.init.zeros_(m.bias)

    def forward(self, x):
        skip = self.block1(x)
        deep = self.up(self.block2(self.pool(skip)))
        return self.block3(torch.cat([deep, skip, x], 1))


def psnr(a, b):
    return (10 * torch.log10(1 / (a - b).pow(2).mean(dim=(1, 2, 3)))).mean().item()


class Noise2Noise:
    def __init__(self, n_epochs, batch_size, lr):
        self.n_epochs, self.batch_size = n_epochs, batch_size
        self.model = UNet()
        self.optim = Adam(self.model.parameters(), lr=lr, betas=(0.9, 0.99), eps=1e-8)
        self.scheduler = lr_scheduler.ReduceLROnPlateau(self.optim, patience=1, factor=0.5)
        self.loss = nn.MSELoss()

    @torch.no_grad()
    def eval(self, data):
        self.model.eval()
        output = self.model(data.source)
        return self.loss(output, data.target).item(), psnr(output.clamp(0, 1), data.clean)

    def train(self, train_set, valid_set):
        loader = DataLoader(train_set, batch_size=self.batch_size, shuffle=True)
        for epoch in range(self.n_epochs):
            self.model.train()
            losses = []
            for source, target in loader:
                loss = self.loss(self.model(source), target)
                self.optim.zero_grad()
                loss.backward()
                self.optim.step()
                losses.append(loss.item())
            valid_loss, valid_psnr = self.eval(valid_set)
            self.scheduler.step(valid_loss)
            print(
                f"EPOCH {epoch + 1} / {self.n_epochs} | train loss {np.mean(losses):.5f} | valid loss {valid_loss:.5f} "
                f"(noise floor {SIGMA**2:.5f}) | psnr {valid_psnr:.2f} dB"
            )


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    gen = torch.Generator().manual_seed(seed)
    train_set, valid_set, test_set = (NoisyPairs(n, gen) for n in (400, 60, 120))
    n2n = Noise2Noise(n_epochs=9, batch_size=16, lr=2e-3)
    n2n.train(train_set, valid_set)
    before = psnr(test_set.source.clamp(0, 1), test_set.clean)
    _, after = n2n.eval(test_set)
    print(f"test: noisy {before:.2f} dB, denoised {after:.2f} dB")
    print(f"score: {after - before:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
