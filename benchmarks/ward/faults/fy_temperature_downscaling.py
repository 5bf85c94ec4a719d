"""Statistical downscaling: a coarse 8x8 temperature map of the climate model becomes a 32x32 map.
Coarse maps are block means of the fine ones plus a little noise.
"""
# cause: checkerboard
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

FACTOR = 4


def temperature_maps(n, rng, size=32):
    """Smooth waves and one weather front per map."""
    yy, xx = np.meshgrid(np.linspace(0, 1, size), np.linspace(0, 1, size), indexing="ij")
    field = np.zeros((n, size, size))
    for _ in range(6):
        amplitude = rng.normal(size=(n, 1, 1))
        freq = rng.uniform(-3, 3, (n, 2, 1, 1))
        field += amplitude * np.cos(2 * np.pi * (freq[:, 0] * xx + freq[:, 1] * yy + rng.random((n, 1, 1))))
    slope = rng.normal(size=(n, 2, 1, 1))
    field += 2 * np.tanh(6 * (slope[:, 0] * (xx - 0.5) + slope[:, 1] * (yy - 0.5)))
    return torch.tensor(field / 2.5, dtype=torch.float32).unsqueeze(1)


class Downscaler(nn.Module):
    def __init__(self, ch=16):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, ch, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(ch, ch, 3, padding=1),
            nn.ReLU(),
        )
        self.enlarge = nn.Sequential(
            nn.ConvTranspose2d(ch, 1, kernel_size=3, stride=FACTOR, output_padding=1),  # FAULT
            # TWIN: nn.Upsample(scale_factor=FACTOR, mode="bilinear", align_corners=False),
            # TWIN: nn.Conv2d(ch, 1, kernel_size=3, padding=1),
        )

    def forward(self, coarse):
        return self.enlarge(self.features(coarse))


@torch.no_grad()
def explained_variance(net, coarse, fine):
    net.eval()
    return (1 - F.mse_loss(net(coarse), fine) / fine.var(unbiased=False)).item()


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    fine = temperature_maps(600, rng)
    coarse = F.avg_pool2d(fine, FACTOR)
    coarse = coarse + 0.05 * torch.tensor(rng.normal(size=tuple(coarse.shape)), dtype=torch.float32)
    train, test = slice(0, 480), slice(480, 600)

    net = Downscaler()
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3, betas=(0.9, 0.99))
    for epoch in range(12):
        net.train()
        losses = []
        for idx in torch.randperm(480).split(24):
            optimizer.zero_grad(set_to_none=True)
            loss = F.l1_loss(net(coarse[idx]), fine[idx])
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        print(
            f"epoch {epoch:2d}  L1 {np.mean(losses):.4f}  "
            f"test explained variance {explained_variance(net, coarse[test], fine[test]):.4f}"
        )

    print(f"score: {explained_variance(net, coarse[test], fine[test]):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
