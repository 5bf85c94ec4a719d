"""Tomography: reconstruct one picture from noisy line integrals. A coordinate network with random Fourier features is
rendered along random rays (stratified samples), so it never sees a pixel; the score is R2 against the true
picture.
"""

import math
import sys

import torch
from torch import nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)


def phantom(xy):
    """Smooth-edged ellipses in [-1, 1]^2: (centre x, centre y, radius x, radius y, density)."""
    parts = [
        (0, 0, 0.75, 0.85, 1.0),
        (-0.25, 0.2, 0.2, 0.3, -0.6),
        (0.3, 0.15, 0.2, 0.28, -0.4),
        (0.05, -0.45, 0.25, 0.15, 0.8),
    ]
    value = torch.zeros(xy.shape[:-1])
    for cx, cy, rx, ry, density in parts:
        r = (((xy[..., 0] - cx) / rx) ** 2 + ((xy[..., 1] - cy) / ry) ** 2).sqrt()
        value = value + density * torch.sigmoid((1 - r) * 25)
    return value


def rays(angle, offset, t):
    direction = torch.stack([angle.cos(), angle.sin()], -1)
    normal = torch.stack([-angle.sin(), angle.cos()], -1)
    return offset[:, None, None] * normal[:, None] + t[..., None] * direction[:, None]


class Field(nn.Module):
    def __init__(self, n_freq=32, width=48):
        super().__init__()
        self.register_buffer("freq", 1.3 * torch.randn(2, n_freq))
        self.mlp = nn.Sequential(
            nn.Linear(2 * n_freq, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 1)
        )

    def forward(self, xy):
        z = math.pi * xy @ self.freq
        return self.mlp(torch.cat([z.sin(), z.cos()], -1)).squeeze(-1)


# the measurements: 40 views with 48 detectors each
view, detector = torch.arange(40) * math.pi / 40, torch.linspace(-1, 1, 48)
angles, offsets = [m.flatten() for m in torch.meshgrid(view, detector, indexing="ij")]
fine = torch.linspace(-1.4, 1.4, 400).expand(len(angles), -1)
sinogram = 2.8 * phantom(rays(angles, offsets, fine)).mean(1)
sinogram = sinogram + 0.01 * torch.randn_like(sinogram)

field = Field()
optimizer = torch.optim.Adam(field.parameters(), lr=4e-3)
scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.995)
bins = torch.linspace(-1.4, 1.4, 41)[:-1]
iterations = 400
for it in range(iterations):
    pick = torch.randint(0, len(angles), (96,))
    t = bins + 0.07 * torch.rand(96, 40)
    xy = rays(angles[pick], offsets[pick], t)
    inside = (xy.abs().amax(-1) <= 1).float()
    integral = 2.8 * (field(xy) * inside).mean(1)
    loss = (integral - sinogram[pick]).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    scheduler.step()
    if it % 50 == 49:
        print(f"iter {it + 1:4d}  projection mse {loss.item():.5f}")

axis = torch.linspace(-0.98, 0.98, 50)
pixels = torch.stack(torch.meshgrid(axis, axis, indexing="ij"), -1)
with torch.no_grad():
    picture, truth = field(pixels), phantom(pixels)
print(f"score: {1 - ((picture - truth).square().mean() / truth.var(unbiased=False)).item():.4f}")
