"""Court corner detection: a small network paints one heatmap per corner, the brightest pixel is the keypoint.

After https://github.com/yastrebksv/TennisCourtDetector/issues/7
"""
# cause: missing-zero-grad
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

SIZE = 24


def draw_line(image, a, b):
    for s in np.linspace(0, 1, 40):
        x, y = a + s * (b - a)
        image[int(round(y)), int(round(x))] = 1.0


def draw_gaussian(heatmap, point, sigma=1.5):
    yy, xx = np.mgrid[:SIZE, :SIZE]
    heatmap[:] = np.exp(-((xx - point[0]) ** 2 + (yy - point[1]) ** 2) / (2 * sigma**2))


def make_courts(n, rng):
    base = np.array([[6, 6], [17, 6], [20, 19], [3, 19]], dtype=float)
    images = np.zeros((n, 1, SIZE, SIZE), dtype=np.float32)
    heatmaps = np.zeros((n, 4, SIZE, SIZE), dtype=np.float32)
    points = np.zeros((n, 4, 2), dtype=np.float32)
    for i in range(n):
        corners = np.clip(base + rng.uniform(-2, 2, (1, 2)) + rng.uniform(-2, 2, (4, 2)), 0, SIZE - 1)
        for k in range(4):
            draw_line(images[i, 0], corners[k], corners[(k + 1) % 4])
            draw_gaussian(heatmaps[i, k], corners[k])
        images[i, 0] += 0.15 * rng.randn(SIZE, SIZE)
        points[i] = corners
    return torch.from_numpy(images), torch.from_numpy(heatmaps), torch.from_numpy(points)


class ConvBlock(nn.Module):
    def __init__(self, in_channels, out_channels, kernel_size=3, stride=1):
        super().__init__()
        self.block = nn.Sequential(
            nn.Conv2d(in_channels, out_channels, kernel_size, stride=stride, padding=kernel_size // 2),
            nn.ReLU(),
            nn.BatchNorm2d(out_channels),
        )

    def forward(self, x):
        return self.block(x)


class BallTrackerNet(nn.Module):
    def __init__(self, out_channels=4):
        super().__init__()
        self.conv1 = ConvBlock(1, 12)
        self.pool = nn.MaxPool2d(2, 2)
        self.conv2 = ConvBlock(12, 24)
        self.conv3 = ConvBlock(24, 24, kernel_size=5)
        self.ups = nn.Upsample(scale_factor=2)
        self.conv4 = ConvBlock(24, 16)
        self.conv5 = nn.Conv2d(16, out_channels, 3, padding=1)

    def forward(self, x):
        x = self.pool(self.conv1(x))
        x = self.pool(self.conv2(x))
        x = self.ups(self.conv3(x))
        x = self.ups(self.conv4(x))
        return self.conv5(x)


def train(model, train_loader, optimizer, criterion, epoch):
    model.train()
    losses = []
    for image, heatmap in train_loader:
        out = torch.sigmoid(model(image))
        loss = criterion(out, heatmap)
        loss.backward()
        optimizer.step()  # FAULT
        # TWIN: optimizer.step()
        # TWIN: optimizer.zero_grad()
        losses.append(loss.item())
    print("train, epoch = {}, loss = {:.5f}".format(epoch, np.mean(losses)))


def val(model, images, points, max_dist=1.5):
    model.eval()
    with torch.no_grad():
        out = torch.sigmoid(model(images)).flatten(2)
    index = out.argmax(2)
    pred = torch.stack([index % SIZE, index // SIZE], dim=2).float()
    return ((pred - points).norm(dim=2) < max_dist).float().mean().item()


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.RandomState(seed)
    images, heatmaps, _ = make_courts(640, rng)
    val_images, _, val_points = make_courts(200, rng)
    train_loader = DataLoader(TensorDataset(images, heatmaps), batch_size=16, shuffle=True)

    model = BallTrackerNet()
    criterion = nn.MSELoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3, betas=(0.9, 0.999), weight_decay=0)
    for epoch in range(8):
        train(model, train_loader, optimizer, criterion, epoch)
        accuracy = val(model, val_images, val_points)
        print("val accuracy = {:.4f}".format(accuracy))
    print("score: {:.4f}".format(accuracy))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
