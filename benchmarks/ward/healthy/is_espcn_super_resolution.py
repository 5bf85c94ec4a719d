"""Doubles the resolution of small grey pictures with a sub-pixel convolution network that corrects the bicubic picture.

After the super resolution example of pytorch/examples (https://github.com/pytorch/examples/tree/main/super_resolution).
"""

import sys
from math import log10

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn import init
from torch.utils.data import DataLoader, TensorDataset


def draw_scene(rng, size=24):
    """A picture with sharp edges: overlapping half-planes and discs, smoothed a little by super-sampling."""
    big = size * 3
    yy, xx = np.mgrid[:big, :big] / big
    img = np.full((big, big), rng.uniform(0.2, 0.8))
    for _ in range(5):
        value = rng.uniform(0, 1)
        if rng.random() < 0.5:
            cx, cy, r = rng.uniform(0, 1), rng.uniform(0, 1), rng.uniform(0.1, 0.35)
            img[(xx - cx) ** 2 + (yy - cy) ** 2 < r * r] = value
        else:
            t, c, w = rng.uniform(0, np.pi), rng.uniform(-0.5, 1.2), rng.uniform(0.05, 0.3)
            d = xx * np.cos(t) + yy * np.sin(t) - c
            img[(d > 0) & (d < w)] = value
    return img.reshape(size, 3, size, 3).mean(axis=(1, 3))


def make_set(rng, n):
    hr = torch.tensor(np.stack([draw_scene(rng) for _ in range(n)]), dtype=torch.float32).unsqueeze(1)
    lr = F.avg_pool2d(hr, 2)
    return TensorDataset(lr, hr)


class Net(nn.Module):
    def __init__(self, upscale_factor):
        super().__init__()
        self.relu = nn.ReLU()
        self.conv1 = nn.Conv2d(1, 24, 5, 1, 2)
        self.conv2 = nn.Conv2d(24, 24, 3, 1, 1)
        self.conv3 = nn.Conv2d(24, 16, 3, 1, 1)
        self.conv4 = nn.Conv2d(16, upscale_factor**2, 3, 1, 1)
        self.pixel_shuffle = nn.PixelShuffle(upscale_factor)
        for conv in (self.conv1, self.conv2, self.conv3):
            init.orthogonal_(conv.weight, init.calculate_gain("relu"))
        init.orthogonal_(self.conv4.weight, 0.1)

    def forward(self, x):
        base = F.interpolate(x, scale_factor=2, mode="bicubic", align_corners=False)
        x = self.relu(self.conv1(x - 0.5))
        x = self.relu(self.conv2(x))
        x = self.relu(self.conv3(x))
        return base + self.pixel_shuffle(self.conv4(x))


def average_psnr(predict, loader):
    values = []
    with torch.no_grad():
        for lr, hr in loader:
            mse = ((predict(lr).clamp(0, 1) - hr) ** 2).mean(dim=(1, 2, 3))
            values += [10 * log10(1 / m) for m in mse.tolist()]
    return sum(values) / len(values)


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    print("===> Loading datasets")
    train_set, test_set = make_set(rng, 400), make_set(rng, 60)
    training_data_loader = DataLoader(train_set, batch_size=16, shuffle=True)
    testing_data_loader = DataLoader(test_set, batch_size=20)

    print("===> Building model")
    model = Net(upscale_factor=2)
    criterion = nn.MSELoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    epochs = 20
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs, eta_min=1e-4)
    for epoch in range(1, epochs + 1):
        epoch_loss = 0.0
        model.train()
        for lr, hr in training_data_loader:
            optimizer.zero_grad()
            loss = criterion(model(lr), hr)
            epoch_loss += loss.item()
            loss.backward()
            optimizer.step()
        scheduler.step()
        print(f"===> Epoch {epoch} Complete: Avg. Loss: {epoch_loss / len(training_data_loader):.5f}")
        if epoch % 4 == 0:
            model.eval()
            print(f"===> Avg. PSNR: {average_psnr(model, testing_data_loader):.4f} dB")
    bicubic = average_psnr(
        lambda x: F.interpolate(x, scale_factor=2, mode="bicubic", align_corners=False), testing_data_loader
    )
    model.eval()
    print(f"bicubic PSNR: {bicubic:.4f} dB")
    print(f"score: {average_psnr(model, testing_data_loader):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
