"""Tufts of bog cotton in aerial pictures: a little encoder-decoder with a skip, one logit per pixel, score by IoU."""

import sys

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset


def pictures(count, size=24):
    """Bright elliptic tufts on uneven ground; the mask holds the tufts."""
    axis = torch.arange(size).float()
    mask = torch.zeros(count, size, size, dtype=torch.bool)
    for _ in range(3):
        cy, cx = 4 + 16 * torch.rand(2, count, 1, 1)
        ry, rx = 2 + 2.5 * torch.rand(2, count, 1, 1)
        mask |= ((axis.view(-1, 1) - cy) / ry) ** 2 + ((axis - cx) / rx) ** 2 < 1
    ground = torch.randn(count, 1, 6, 6)
    ground = nn.functional.interpolate(ground, size=size, mode="bilinear", align_corners=False).squeeze(1)
    image = 1.2 * mask + 0.6 * ground + 0.4 * torch.randn(count, size, size)
    return image.unsqueeze(1), mask.float().unsqueeze(1)


def double(fan_in, fan_out):
    return nn.Sequential(
        nn.Conv2d(fan_in, fan_out, 3, padding=1, bias=False),
        nn.BatchNorm2d(fan_out),
        nn.ReLU(inplace=True),
        nn.Conv2d(fan_out, fan_out, 3, padding=1, bias=False),
        nn.BatchNorm2d(fan_out),
        nn.ReLU(inplace=True),
    )


class SmallUNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.down, self.bottom = double(1, 8), double(8, 16)
        self.pool, self.up = nn.MaxPool2d(2), nn.ConvTranspose2d(16, 8, 2, stride=2)
        self.merge, self.out = double(16, 8), nn.Conv2d(8, 1, 1)

    def forward(self, x):
        skip = self.down(x)
        x = self.up(self.bottom(self.pool(skip)))
        return self.out(self.merge(torch.cat([skip, x], dim=1)))


@torch.no_grad()
def iou(model, images, masks):
    model.eval()
    found, true = model(images) > 0, masks > 0.5
    return ((found & true).sum() / (found | true).sum()).item()


if __name__ == "__main__":
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    loader = DataLoader(TensorDataset(*pictures(500)), batch_size=20, shuffle=True)
    images, masks = pictures(150)
    model = SmallUNet()
    criterion = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(12):
        model.train()
        epoch_loss = 0.0
        for image, mask in loader:
            loss = criterion(model(image), mask)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            epoch_loss += loss.item()
        print(f"epoch {epoch + 1}: loss {epoch_loss / len(loader):.4f}, IoU {iou(model, images, masks):.4f}")
    print(f"score: {iou(model, images, masks):.4f}")
