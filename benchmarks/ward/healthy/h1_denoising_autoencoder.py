"""Convolutional denoising autoencoder of the digits: Gaussian noise is added anew to every batch, the target is the
clean image. The loss is summed over pixels and averaged over images, so its value is around one, not 0.02.
"""

import argparse

import torch
from sklearn.datasets import load_digits
from torch import nn, optim


class Denoiser(nn.Module):
    def __init__(self, ch=12):
        super().__init__()
        self.down = nn.Sequential(
            nn.Conv2d(1, ch, 3, padding=1),
            nn.LeakyReLU(0.1),
            nn.Conv2d(ch, 2 * ch, 3, stride=2, padding=1),
            nn.LeakyReLU(0.1),
        )
        self.up = nn.Sequential(
            nn.ConvTranspose2d(2 * ch, ch, 2, stride=2),
            nn.LeakyReLU(0.1),
            nn.Conv2d(ch, 1, 3, padding=1),
        )

    def forward(self, x):
        return self.up(self.down(x))


def image_loss(output, clean):
    return ((output - clean) ** 2).flatten(1).sum(1).mean()


ap = argparse.ArgumentParser()
ap.add_argument("seed", type=int, nargs="?", default=0)
ap.add_argument("--sigma", type=float, default=0.3)
opt = ap.parse_args()
torch.set_num_threads(1)
torch.manual_seed(opt.seed)

images = torch.tensor(load_digits().images, dtype=torch.float32)[:, None] / 16
images = images[torch.randperm(len(images))]
train, val = images[:1440], images[1440:]
val_noisy = val + opt.sigma * torch.randn_like(val)

net = Denoiser()
optimizer = optim.Adam(net.parameters(), lr=3e-3)
for epoch in range(10):
    net.train()
    for clean in train[torch.randperm(len(train))].split(48):
        noisy = clean + opt.sigma * torch.randn_like(clean)
        loss = image_loss(net(noisy), clean)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        val_loss = image_loss(net(val_noisy), val)
    print(f"epoch {epoch}: train {loss.item():.3f} val {val_loss.item():.3f}")

gain = 1 - val_loss / image_loss(val_noisy, val)
print(f"share of the noise removed: {gain.item():.3f}")
print(f"score: {gain.item():.4f}")
