"""Finds five landmarks of drawn faces by regressing heatmaps, decoded by their maxima with a quarter-pixel shift.

After "Simple Baselines for Human Pose Estimation" (https://github.com/microsoft/human-pose-estimation.pytorch).
"""

import sys

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

SIZE, STRIDE, SIGMA = 32, 2, 1.0
HEAT = SIZE // STRIDE


def draw_face(rng):
    angle, scale = rng.normal(0, 0.2), rng.uniform(9, 12)
    centre = SIZE / 2 + rng.uniform(-3, 3, 2)
    rot = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    width, height = rng.uniform(0.35, 0.5), rng.uniform(0.4, 0.55)
    base = np.array([[-width, -0.3], [width, -0.3], [0, rng.uniform(0.0, 0.15)], [-0.35, height], [0.35, height]])
    points = base @ rot.T * scale + centre
    yy, xx = np.mgrid[:SIZE, :SIZE].astype(float)
    local = (np.stack([xx, yy], -1) - centre) @ rot / scale
    skin, dark = rng.uniform(0.6, 0.9), rng.uniform(0.0, 0.3)
    img = np.where((local[..., 0] / 0.85) ** 2 + local[..., 1] ** 2 < 1, skin, rng.uniform(0.2, 0.5))
    for x, y in points[:2]:
        img = np.where(np.hypot(xx - x, yy - y) < 0.14 * scale, dark, img)
    nose = local - base[2]
    img = np.where((np.abs(nose[..., 0]) < 0.08) & (np.abs(nose[..., 1] + 0.1) < 0.16), skin - 0.3, img)
    mouth = local - [0, height]
    img = np.where((np.abs(mouth[..., 0]) < 0.38) & (np.abs(mouth[..., 1]) < 0.08), dark, img)
    return img + rng.normal(0, 0.05, img.shape), points


def make_set(rng, n):
    faces = [draw_face(rng) for _ in range(n)]
    images = torch.tensor(np.stack([f[0] for f in faces]), dtype=torch.float32).unsqueeze(1)
    return (images - 0.5) / 0.25, torch.tensor(np.stack([f[1] for f in faces]), dtype=torch.float32)


def generate_target(points):
    grid = torch.arange(HEAT).float()
    mu = points / STRIDE
    gx = torch.exp(-((grid - mu[..., 0:1]) ** 2) / (2 * SIGMA**2))
    gy = torch.exp(-((grid - mu[..., 1:2]) ** 2) / (2 * SIGMA**2))
    return gy.unsqueeze(-1) * gx.unsqueeze(-2)


class PoseNet(nn.Module):
    def __init__(self, joints=5, c=16):
        super().__init__()

        def conv(i, o, s):
            return nn.Sequential(nn.Conv2d(i, o, 3, s, 1, bias=False), nn.BatchNorm2d(o), nn.ReLU(inplace=True))

        self.encoder = nn.Sequential(conv(1, c, 2), conv(c, 2 * c, 2), conv(2 * c, 3 * c, 2), conv(3 * c, 3 * c, 1))
        self.deconv = nn.Sequential(
            nn.ConvTranspose2d(3 * c, 2 * c, 4, 2, 1, bias=False),
            nn.BatchNorm2d(2 * c),
            nn.ReLU(inplace=True),
            nn.ConvTranspose2d(2 * c, 2 * c, 4, 2, 1, bias=False),
            nn.BatchNorm2d(2 * c),
            nn.ReLU(inplace=True),
        )
        self.final = nn.Conv2d(2 * c, joints, 1)

    def forward(self, x):
        return self.final(self.deconv(self.encoder(x)))


def decode(heat):
    flat = heat.flatten(2).argmax(-1)
    x, y = (flat % HEAT).clamp(1, HEAT - 2), (flat // HEAT).clamp(1, HEAT - 2)
    b, j = torch.meshgrid(torch.arange(heat.shape[0]), torch.arange(heat.shape[1]), indexing="ij")
    dx = torch.sign(heat[b, j, y, x + 1] - heat[b, j, y, x - 1])
    dy = torch.sign(heat[b, j, y + 1, x] - heat[b, j, y - 1, x])
    return torch.stack([x + 0.25 * dx, y + 0.25 * dy], -1) * STRIDE


def validate(model, images, points):
    model.eval()
    with torch.no_grad():
        error = (decode(model(images)) - points).norm(dim=-1)
    return error.mean().item(), (error < 2.0).float().mean().item()


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    train_images, train_points = make_set(rng, 1100)
    val_images, val_points = make_set(rng, 150)
    mean_error = (val_points - train_points.mean(0)).norm(dim=-1)
    print(f"mean landmarks: error {mean_error.mean():.3f} px, within 2 px {(mean_error < 2).float().mean():.3f}")
    loader = DataLoader(TensorDataset(train_images, train_points), batch_size=32, shuffle=True)
    model = PoseNet()
    criterion = nn.MSELoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, [5, 6], gamma=0.2)
    for epoch in range(7):
        model.train()
        total = 0.0
        for images, points in loader:
            loss = criterion(model(images), generate_target(points))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        scheduler.step()
        error, pck = validate(model, val_images, val_points)
        print(f"Epoch [{epoch}] Loss {total / len(loader):.5f} error {error:.3f} px PCK@2px {pck:.4f}")
    print(f"score: {pck:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
