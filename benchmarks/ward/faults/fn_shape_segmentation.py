"""Trains a little fully convolutional network to mark bright squares and dark discs in noisy 24x24 images
(background, square, disc), validating every few iterations and keeping an eye on the mean IU.

After https://github.com/wkentaro/pytorch-fcn/issues/57
"""
# cause: training-in-eval-mode
# kind: structural

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset


def make_images(rng, n, size=24):
    images = rng.normal(0, 0.7, size=(n, 1, size, size)).astype(np.float32)
    labels = np.zeros((n, size, size), dtype=np.int64)
    yy, xx = np.mgrid[:size, :size]
    for i in range(n):
        for kind in (1, 2):
            r = rng.integers(3, 6)
            cy, cx = rng.integers(r, size - r, size=2)
            if kind == 1:
                inside = (abs(yy - cy) <= r) & (abs(xx - cx) <= r)
            else:
                inside = (yy - cy) ** 2 + (xx - cx) ** 2 <= (r + 0.5) ** 2
            labels[i][inside] = kind
        images[i, 0] += 1.0 * (labels[i] == 1) - 1.0 * (labels[i] == 2)
    return torch.from_numpy(images), torch.from_numpy(labels)


class FCN(nn.Module):
    def __init__(self, n_class=3):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 24, 3, padding=1)
        self.fc6 = nn.Conv2d(24, 48, 3, padding=1)
        self.drop6 = nn.Dropout(0.5)
        self.fc7 = nn.Conv2d(48, 48, 1)
        self.drop7 = nn.Dropout(0.5)
        self.score_fr = nn.Conv2d(48, n_class, 1)

    def forward(self, x):
        h = F.max_pool2d(F.relu(self.conv1(x)), 2)
        h = F.relu(self.conv2(h))
        h = self.drop6(F.relu(self.fc6(h)))
        h = self.drop7(F.relu(self.fc7(h)))
        h = self.score_fr(h)
        return F.interpolate(h, size=x.shape[2:], mode="bilinear", align_corners=False)


class Trainer:
    def __init__(self, model, optimizer, train_loader, val, interval_validate):
        self.model, self.optim = model, optimizer
        self.train_loader, self.val = train_loader, val
        self.interval_validate = interval_validate
        self.iteration = 0

    def validate(self):
        self.model.eval()
        data, target = self.val
        with torch.no_grad():
            score = self.model(data)
            loss = F.cross_entropy(score, target).item()
            pred = score.argmax(1)
        iu = []
        for c in range(3):
            both = ((pred == c) & (target == c)).sum().item()
            either = ((pred == c) | (target == c)).sum().item()
            iu.append(both / max(either, 1))
        return loss, sum(iu) / 3

    def train_epoch(self, epoch):
        self.model.train()
        for data, target in self.train_loader:
            if self.iteration % self.interval_validate == 0:
                val_loss, mean_iu = self.validate()
                # TWIN: self.model.train()
                print(f"iter {self.iteration:4d}  val loss {val_loss:.3f}  mean IU {mean_iu:.3f}")
            self.optim.zero_grad()
            loss = F.cross_entropy(self.model(data), target)
            loss.backward()
            self.optim.step()
            self.iteration += 1
            if self.iteration % 20 == 0:
                print(f"epoch {epoch}  train loss {loss.item():.3f}")


def main(seed):
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    train, val = make_images(rng, 48), make_images(rng, 64)
    loader = DataLoader(TensorDataset(*train), batch_size=8, shuffle=True)
    model = FCN()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    trainer = Trainer(model, optimizer, loader, val, interval_validate=4)
    for epoch in range(40):
        trainer.train_epoch(epoch)
    _, mean_iu = trainer.validate()
    print(f"score: {mean_iu:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
