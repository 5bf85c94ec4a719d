"""Denoise microscope tiles without ever seeing a clean one: input and target are two noisy exposures of the same tile.

The noise of the two exposures is independent, so the best guess of the second is the clean tile.
Scored by the PSNR gain over the raw exposure on new tiles, where the clean ones are known.
"""
# cause: checkerboard
# kind: structural

import sys

import torch
from torch import nn
from torch.utils.data import DataLoader, IterableDataset

torch.set_num_threads(1)
NOISE = 0.25


def clean_tiles(n):
    """Round cells and a filament on a dark ground, 16x16."""
    axis = torch.linspace(-1, 1, 16)
    gy, gx = torch.meshgrid(axis, axis, indexing="ij")
    centre = torch.rand(n, 3, 2, 1, 1) * 1.6 - 0.8
    radius = 0.15 + 0.25 * torch.rand(n, 3, 1, 1)
    far = ((gx - centre[:, :, 0]) ** 2 + (gy - centre[:, :, 1]) ** 2).sqrt()
    cells = torch.sigmoid((radius - far) * 25).amax(dim=1)
    angle = torch.rand(n, 1, 1) * torch.pi
    offset = torch.rand(n, 1, 1) - 0.5
    line = torch.exp(-(((gx * angle.cos() + gy * angle.sin() - offset) / 0.1) ** 2))
    return torch.maximum(0.9 * cells, 0.6 * line).unsqueeze(1)


class ExposurePairs(IterableDataset):
    def __init__(self, tiles, batches, batch_size):
        self.tiles, self.batches, self.batch_size = tiles, batches, batch_size

    def __iter__(self):
        for _ in range(self.batches):
            tile = self.tiles[torch.randint(0, len(self.tiles), (self.batch_size,))]
            yield tile + NOISE * torch.randn_like(tile), tile + NOISE * torch.randn_like(tile)


def psnr(a, b):
    return -10 * torch.log10((a - b).square().mean()).item()


seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
loader = DataLoader(ExposurePairs(clean_tiles(2000), batches=60, batch_size=24), batch_size=None)
test_clean = clean_tiles(300)
test_noisy = test_clean + NOISE * torch.randn_like(test_clean)

denoiser = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1),
    nn.LeakyReLU(0.1),
    nn.Conv2d(16, 16, 3, padding=1, stride=2),  # FAULT
    # TWIN: nn.Conv2d(16, 16, 3, padding=2, dilation=2),
    nn.LeakyReLU(0.1),
    nn.Conv2d(16, 16, 3, padding=1),
    nn.LeakyReLU(0.1),
    nn.ConvTranspose2d(16, 1, 3, stride=2, padding=1, output_padding=1),  # FAULT
    # TWIN: nn.Conv2d(16, 1, 3, padding=1),
)
optimizer = torch.optim.Adam(denoiser.parameters(), lr=3e-3)
criterion = nn.MSELoss()
print(f"the target's own noise puts a floor of {NOISE**2:.4f} under the training loss")
for epoch in range(8):
    denoiser.train()
    mean_loss = 0.0
    for first, second in loader:
        optimizer.zero_grad()
        loss = criterion(denoiser(first), second)
        loss.backward()
        optimizer.step()
        mean_loss += loss.item() / 60
    print(f"epoch {epoch + 1}: loss {mean_loss:.4f}")

denoiser.eval()
with torch.no_grad():
    restored = denoiser(test_noisy)
before, after = psnr(test_noisy, test_clean), psnr(restored, test_clean)
print(f"PSNR raw {before:.2f} dB, restored {after:.2f} dB")
print(f"score: {after - before:.4f}")
