"""Denoise ONE picture with an untrained, underparameterised decoder: fixed random input, 1x1 convolutions and bilinear
upsampling, fitted to the noisy picture itself. There is no data set; the score compares with the clean picture."""
# cause: checkerboard
# kind: dynamic

import sys

import torch
from torch import nn

torch.set_num_threads(1)


def picture(size=64):
    yy, xx = torch.meshgrid(torch.linspace(-1, 1, size), torch.linspace(-1, 1, size), indexing="ij")
    img = 0.3 + 0.2 * xx
    for _ in range(4):
        cx, cy = (torch.rand(2) * 1.4 - 0.7).tolist()
        r, shade = 0.2 + 0.25 * torch.rand(()).item(), torch.rand(()).item()
        soft_edge = torch.sigmoid(20 * (r - ((xx - cx) ** 2 + (yy - cy) ** 2).sqrt()))
        img = img * (1 - soft_edge) + shade * soft_edge
    return img[None, None]


def deep_decoder(channels, stages):
    layers = []
    for _ in range(stages):
        layers += [
            nn.Conv2d(channels, channels, 1, bias=False),
            nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False),
            nn.ReLU(),
            nn.GroupNorm(channels, channels),
        ]
    return nn.Sequential(*layers, nn.ConvTranspose2d(channels, 1, 3, stride=4, output_padding=1), nn.Sigmoid())  # FAULT
    # TWIN: return nn.Sequential(*layers, nn.Conv2d(channels, 1, 1), nn.Sigmoid())


seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
clean = picture()
noisy = clean + 0.15 * torch.randn_like(clean)
z = torch.rand(1, 20, 4, 4)
decoder = deep_decoder(20, 2)  # FAULT
# TWIN: decoder = deep_decoder(20, 4)
n_params = sum(p.numel() for p in decoder.parameters())
print(f"{n_params} parameters for {noisy.numel()} pixels")

optimizer = torch.optim.Adam(decoder.parameters(), lr=0.01)
for it in range(501):
    out = decoder(z)
    loss = ((out - noisy) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if it % 50 == 0:
        psnr = -10 * torch.log10(((out.detach() - clean) ** 2).mean())
        print(f"iteration {it:3d} fit {loss.item():.5f} psnr {psnr.item():.2f} dB")

with torch.no_grad():
    restored = decoder(z)
ratio = ((restored - clean) ** 2).mean() / ((noisy - clean) ** 2).mean()
print(f"score: {1 - ratio.item():.4f}")
