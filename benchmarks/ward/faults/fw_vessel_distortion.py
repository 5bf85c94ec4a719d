"""Segments thin vessels with a small U-Net. There are only a few annotated images, so each is multiplied with random elastic distortions first.

After https://github.com/mdbloice/Augmentor/issues/188
"""
# cause: labels-unrelated
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

SIZE = 32


def annotated_images(rng, n):
    """Images of a few wavy vessels on a mottled ground, and masks of the vessels."""
    images, masks = np.zeros((n, 1, SIZE, SIZE)), np.zeros((n, 1, SIZE, SIZE))
    yy, xx = np.mgrid[0:SIZE, 0:SIZE]
    for i in range(n):
        for _ in range(2):
            angle, shift = rng.uniform(0, np.pi), rng.uniform(-10, 10)
            along = (xx - 16) * np.cos(angle) + (yy - 16) * np.sin(angle)
            across = -(xx - 16) * np.sin(angle) + (yy - 16) * np.cos(angle)
            line = shift + rng.uniform(1, 3) * np.sin(along / rng.uniform(4, 8) + rng.uniform(0, 6))
            masks[i, 0][np.abs(across - line) < 1.3] = 1
        ground = np.kron(rng.standard_normal((8, 8)), np.ones((4, 4)))
        images[i, 0] = 1.6 * masks[i, 0] + 0.4 * ground + 0.5 * rng.standard_normal((SIZE, SIZE))
    return torch.tensor(images, dtype=torch.float32), torch.tensor(masks, dtype=torch.float32)


class RandomDistortion:
    """Elastic distortion: a coarse grid whose nodes are moved by up to `magnitude` pixels."""

    def __init__(self, grid=4, magnitude=8):
        self.grid, self.magnitude = grid, magnitude

    def field(self, n):
        moves = (2 * torch.rand(n, 2, self.grid, self.grid) - 1) * self.magnitude * 2 / SIZE
        moves = F.interpolate(moves, size=(SIZE, SIZE), mode="bicubic", align_corners=True)
        identity = F.affine_grid(torch.eye(2, 3).expand(n, 2, 3), (n, 1, SIZE, SIZE), align_corners=True)
        return identity + moves.permute(0, 2, 3, 1)

    def apply(self, batch, field, mode="bilinear"):
        return F.grid_sample(batch, field, mode=mode, padding_mode="reflection", align_corners=True)


def multiply(images, masks, times):
    """The pipeline's sample(): distorted copies of the images and of their ground truth."""
    operation = RandomDistortion()
    images, masks = images.repeat(times, 1, 1, 1), masks.repeat(times, 1, 1, 1)
    field = operation.field(len(images))
    new_images = operation.apply(images, field)
    field = operation.field(len(masks))  # FAULT
    new_masks = operation.apply(masks, field, mode="nearest")
    return new_images, new_masks


def double_conv(a, b):
    return nn.Sequential(
        nn.Conv2d(a, b, 3, padding=1),
        nn.BatchNorm2d(b),
        nn.ReLU(),
        nn.Conv2d(b, b, 3, padding=1),
        nn.BatchNorm2d(b),
        nn.ReLU(),
    )


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.down = double_conv(1, 10)
        self.bottom = double_conv(10, 20)
        self.up = nn.ConvTranspose2d(20, 10, 2, 2)
        self.last = nn.Sequential(double_conv(20, 10), nn.Conv2d(10, 1, 1))

    def forward(self, x):
        skip = self.down(x)
        x = self.up(self.bottom(F.max_pool2d(skip, 2)))
        return self.last(torch.cat([skip, x], 1))


def dice(model, images, masks):
    model.eval()
    with torch.no_grad():
        predicted = (torch.sigmoid(model(images)) > 0.5).float()
    return (2 * (predicted * masks).sum() / (predicted.sum() + masks.sum() + 1e-6)).item()


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    images, masks = annotated_images(rng, 30)
    test_images, test_masks = annotated_images(rng, 60)
    train_images, train_masks = multiply(images, masks, 12)
    print(f"{len(images)} annotated images made into {len(train_images)}")

    net = UNet()
    criterion = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    for epoch in range(6):
        net.train()
        epoch_loss = 0.0
        for index in torch.randperm(len(train_images)).split(12):
            loss = criterion(net(train_images[index]), train_masks[index])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            epoch_loss += loss.item() * len(index)
        print(
            f"Epoch {epoch + 1}: loss {epoch_loss / len(train_images):.4f}, "
            f"dice on test images {dice(net, test_images, test_masks):.4f}"
        )
    print(f"score: {dice(net, test_images, test_masks):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
