"""Fourfold enlargement of microscope tiles: a decoder learns to undo the averaging of 4x4 blocks; PSNR is reported."""
# cause: checkerboard
# kind: structural

import math
import sys

import torch
import torch.nn as nn

LOW, FACTOR = 6, 4


def tiles(n):
    """Soft-edged discs (nuclei) of random place, size and brightness, three to a tile."""
    side = LOW * FACTOR
    axis = torch.arange(side, dtype=torch.float32)
    image = torch.zeros(n, side, side)
    for _ in range(3):
        cy, cx = side * torch.rand(2, n, 1, 1)
        radius = 3 + 4 * torch.rand(n, 1, 1)
        distance = ((axis[:, None] - cy) ** 2 + (axis[None, :] - cx) ** 2).sqrt()
        image += (0.5 + 0.5 * torch.rand(n, 1, 1)) * torch.sigmoid(2 * (radius - distance))
    image = (image[:, None] - 0.5) / 0.5
    return nn.functional.avg_pool2d(image, FACTOR), image


class Zoom(nn.Module):
    def __init__(self, width=24):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, width, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1),
            nn.ReLU(),
        )
        self.enlarge = nn.Sequential(
            nn.ConvTranspose2d(width, width, 3, stride=2, padding=1, output_padding=1),  # FAULT
            # TWIN: nn.ConvTranspose2d(width, width, 4, stride=2, padding=1),
            nn.ReLU(),
            nn.ConvTranspose2d(width, 1, 3, stride=2, padding=1, output_padding=1),  # FAULT
            # TWIN: nn.ConvTranspose2d(width, 1, 4, stride=2, padding=1),
        )

    def forward(self, low):
        return self.enlarge(self.features(low))


def psnr(net, low, high):
    net.eval()
    with torch.no_grad():
        error = (net(low) - high).pow(2).mean().item()
    return 10 * math.log10((high.max() - high.min()).item() ** 2 / error)


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    low, high = tiles(1500)
    low_val, high_val = tiles(200)
    net = Zoom()
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    epochs, batch = 12, 30
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=epochs * len(low) // batch)
    for epoch in range(epochs):
        net.train()
        total = 0.0
        for rows in torch.randperm(len(low)).split(batch):
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(net(low[rows]), high[rows])
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item() * batch / len(low)
        print(f"epoch {epoch:2d} loss {total:.5f} val PSNR {psnr(net, low_val, high_val):.2f} dB")
    return psnr(net, low_val, high_val)


if __name__ == "__main__":
    print(f"score: {main(int(sys.argv[1]) if len(sys.argv) > 1 else 0):.4f}")
