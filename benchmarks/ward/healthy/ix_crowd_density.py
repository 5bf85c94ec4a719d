"""Counting heads in a crowd: a network with a dilated back end predicts a density map whose sum is the count.

After https://github.com/leeyeehoo/CSRNet-pytorch (Li et al. 2018).
"""

import sys

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from torch import nn
from torch.utils.data import DataLoader, Dataset

SIZE, STRIDE, SCALE = 32, 4, 10.0


class CrowdDataset(Dataset):
    """Round heads of two sizes, denser at the top, on an uneven background with square distractors."""

    def __init__(self, n, rng, train=False):
        self.train = train
        self.images, self.densities, self.counts = [], [], []
        yy, xx = np.mgrid[:SIZE, :SIZE] + 0.5
        for _ in range(n):
            count = rng.integers(2, 22)
            background = gaussian_filter(rng.normal(size=(SIZE, SIZE)), 5) * 4
            image = background + rng.normal(0, 0.1, (SIZE, SIZE))
            for _ in range(rng.integers(0, 5)):
                r, c = rng.integers(0, SIZE - 4, 2)
                image[r : r + 4, c : c + 4] = image[r : r + 4, c : c + 4] - rng.uniform(0.6, 1.0)
            points = np.zeros((SIZE, SIZE))
            xs, ys = rng.uniform(1, SIZE - 1, count), SIZE * rng.beta(1.2, 1.8, count)
            for x, y in zip(xs, ys):
                radius = 1.1 + 1.0 * y / SIZE
                image = image + rng.uniform(0.8, 1.2) * np.exp(-((xx - x) ** 2 + (yy - y) ** 2) / radius**2)
                points[min(int(y), SIZE - 1), int(x)] += 1
            density = gaussian_filter(points, 2.0, mode="reflect")  # keeps the sum
            density = density.reshape(SIZE // STRIDE, STRIDE, SIZE // STRIDE, STRIDE).sum((1, 3))
            self.images.append(image.astype(np.float32))
            self.densities.append(density.astype(np.float32))
            self.counts.append(float(count))

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        image, density = torch.from_numpy(self.images[index]), torch.from_numpy(self.densities[index])
        if self.train and torch.rand(()) < 0.5:
            image, density = image.flip(1), density.flip(1)
        return image[None], density[None], self.counts[index]


def make_layers(cfg, in_channels, dilation=1):
    layers = []
    for v in cfg:
        if v == "M":
            layers.append(nn.MaxPool2d(2))
        else:
            layers += [
                nn.Conv2d(in_channels, v, 3, padding=dilation, dilation=dilation, bias=False),
                nn.BatchNorm2d(v),
                nn.ReLU(inplace=True),
            ]
            in_channels = v
    return nn.Sequential(*layers)


class CSRNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.frontend = make_layers([12, "M", 24, "M", 40], in_channels=1)
        self.backend = make_layers([32, 24], in_channels=40, dilation=2)
        self.output_layer = nn.Conv2d(24, 1, 1)

    def forward(self, x):
        return self.output_layer(self.backend(self.frontend(x)))


def train(loader, model, criterion, optimizer, epoch):
    model.train()
    losses = []
    for img, target, _ in loader:
        loss = criterion(model(img), SCALE * target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    print(f"Epoch [{epoch}] loss {np.mean(losses):.4f}", end="  ")


@torch.no_grad()
def validate(loader, model):
    model.eval()
    predicted, true = [], []
    for img, _, count in loader:
        predicted.append(model(img).sum((1, 2, 3)) / SCALE)
        true.append(count)
    predicted, true = torch.cat(predicted), torch.cat(true)
    mae = (predicted - true).abs().mean().item()
    r2 = 1 - ((predicted - true).pow(2).sum() / (true - true.mean()).pow(2).sum()).item()
    return mae, r2


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    train_loader = DataLoader(CrowdDataset(400, rng, train=True), batch_size=16, shuffle=True)
    test_loader = DataLoader(CrowdDataset(150, rng), batch_size=50)
    model, criterion = CSRNet(), nn.MSELoss()
    epochs = 12
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3, weight_decay=1e-5)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    for epoch in range(epochs):
        train(train_loader, model, criterion, optimizer, epoch)
        scheduler.step()
        mae, r2 = validate(test_loader, model)
        print(f"* MAE {mae:.3f} R2 {r2:.3f}")
    print(f"score: {r2:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
