"""Upscales coarse wind maps to twice their resolution: small enough for a turbine's controller, pointwise
layers on the coarse grid and one transposed convolution that writes the fine one."""
# cause: checkerboard
# kind: structural

import sys

import torch
import torch.nn.functional as F
from torch import nn


def wind_maps(n, generator):
    """Smooth random fields on 16 x 16, and their averages on 8 x 8."""
    noise = torch.randn(n, 1, 24, 24, generator=generator)
    line = torch.exp(-((torch.arange(9) - 4.0) ** 2) / 6)
    kernel = torch.outer(line, line)[None, None]
    fine = F.conv2d(noise, kernel / kernel.norm())
    return F.avg_pool2d(fine, 2), fine


class Upscaler(nn.Module):
    def __init__(self, channels=16):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, channels, 1),
            nn.LeakyReLU(0.1),
            nn.Conv2d(channels, channels, 1),
            nn.LeakyReLU(0.1),
        )
        self.up = nn.ConvTranspose2d(channels, 1, kernel_size=3, stride=2, padding=1, output_padding=1)  # FAULT
        # TWIN: self.up = nn.ConvTranspose2d(channels, 1, kernel_size=4, stride=2, padding=1)

    def forward(self, coarse):
        return self.up(self.body(coarse))


def psnr(output, target):
    return -10 * torch.log10(F.mse_loss(output, target)).item()


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    coarse, fine = wind_maps(800, generator)
    coarse_val, fine_val = wind_maps(200, generator)
    model = Upscaler()
    optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=20)
    for epoch in range(20):
        model.train()
        for idx in torch.randperm(len(coarse)).split(32):
            loss = F.mse_loss(model(coarse[idx]), fine[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        scheduler.step()
        model.eval()
        with torch.no_grad():
            quality = psnr(model(coarse_val), fine_val)
        print(f"epoch {epoch + 1} loss {loss.item():.5f} psnr {quality:.2f} dB")
    print(f"score: {quality:.4f}")


if __name__ == "__main__":
    main()
