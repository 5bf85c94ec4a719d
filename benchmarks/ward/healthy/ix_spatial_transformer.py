"""A spatial transformer network straightens rotated, shifted digits before a small CNN classifies them.

After "Spatial Transformer Networks Tutorial", https://pytorch.org/tutorials/intermediate/spatial_transformer_tutorial.html
"""

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split


def distort(x, size=12):
    """Rotated by up to 45 degrees, scaled and shifted on a larger canvas."""
    n, pad = len(x), (size - x.shape[-1]) // 2
    x = F.pad(x, (pad, pad, pad, pad))
    angle = (torch.rand(n) * 2 - 1) * np.pi / 4
    zoom = 0.75 + 0.25 * torch.rand(n)
    shift = (torch.rand(n, 2) * 2 - 1) * 0.15
    theta = torch.stack([torch.stack([angle.cos(), -angle.sin()], 1), torch.stack([angle.sin(), angle.cos()], 1)], 1)
    theta = torch.cat([theta * zoom[:, None, None], shift[:, :, None]], 2)
    return F.grid_sample(x, F.affine_grid(theta, x.shape, align_corners=False), align_corners=False)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(1, 12, 3, padding=1), nn.BatchNorm2d(12)
        self.conv2, self.bn2 = nn.Conv2d(12, 20, 3, padding=1), nn.BatchNorm2d(20)
        self.fc1 = nn.Linear(20 * 3 * 3, 64)
        self.fc2 = nn.Linear(64, 10)

        # localisation network
        self.localization = nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1),
            nn.BatchNorm2d(8),
            nn.MaxPool2d(2),
            nn.ReLU(True),
            nn.Conv2d(8, 12, 3, padding=1),
            nn.BatchNorm2d(12),
            nn.MaxPool2d(2),
            nn.ReLU(True),
        )
        self.fc_loc = nn.Sequential(nn.Linear(12 * 3 * 3, 32), nn.ReLU(True), nn.Linear(32, 6))

        # start at the identity
        nn.init.zeros_(self.fc_loc[2].weight)
        self.fc_loc[2].bias.data.copy_(torch.tensor([1, 0, 0, 0, 1, 0], dtype=torch.float))

    def stn(self, x):
        theta = self.fc_loc(self.localization(x).flatten(1)).view(-1, 2, 3)
        grid = F.affine_grid(theta, x.size(), align_corners=False)
        return F.grid_sample(x, grid, align_corners=False)

    def forward(self, x):
        x = self.stn(x)
        x = F.relu(F.max_pool2d(self.bn1(self.conv1(x)), 2))
        x = F.relu(F.max_pool2d(self.bn2(self.conv2(x)), 2))
        x = F.relu(self.fc1(x.flatten(1)))
        x = F.dropout(x, 0.2, training=self.training)
        return F.log_softmax(self.fc2(x), dim=1)


def train(epoch, model, x, y, optimizer):
    model.train()
    total = 0.0
    for idx in torch.randperm(len(x)).split(64):
        optimizer.zero_grad()
        loss = F.nll_loss(model(distort(x[idx])), y[idx])
        loss.backward()
        optimizer.step()
        total += loss.item() * len(idx)
    return total / len(x)


def test(model, x, y):
    model.eval()
    with torch.no_grad():
        output = model(x)
        loss = F.nll_loss(output, y).item()
        correct = (output.argmax(1) == y).sum().item()
    print(f"Test set: average loss {loss:.4f}, accuracy {correct}/{len(y)} ({100 * correct / len(y):.1f}%)")
    return correct / len(y)


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    digits = load_digits()
    images = (torch.tensor(digits.images, dtype=torch.float32) / 16).unsqueeze(1)
    idx_train, idx_test = train_test_split(
        np.arange(len(images)), test_size=0.25, stratify=digits.target, random_state=seed
    )
    labels = torch.tensor(digits.target)
    x_train, y_train = images[idx_train], labels[idx_train]
    x_test, y_test = distort(images[idx_test]), labels[idx_test]
    model = Net()
    optimizer = optim.Adam(model.parameters(), lr=3e-3)
    scheduler = optim.lr_scheduler.CosineAnnealingLR(optimizer, 12)
    for epoch in range(1, 13):
        loss = train(epoch, model, x_train, y_train, optimizer)
        scheduler.step()
        if epoch % 2 == 0:
            print(f"Train epoch {epoch}: loss {loss:.4f}")
            accuracy = test(model, x_test, y_test)
    print(f"score: {accuracy:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
