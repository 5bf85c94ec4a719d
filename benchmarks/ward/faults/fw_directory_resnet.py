"""Trains a small ResNet from scratch on colour images kept in one folder per class, with a batch normalisation layer of my own that can be frozen later for fine-tuning.

After https://github.com/broadinstitute/keras-resnet/pull/47
"""
# cause: evaluation-in-train-mode
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

CLASSES = ["daisy", "dandelion", "iris", "poppy", "rose", "sunflower", "tulip", "violet"]
SIZE = 16


def make_folder(rng, colours, waves, per_class):
    """Images of every class in turn, the way a directory is listed."""
    yy, xx = np.mgrid[0:SIZE, 0:SIZE] / SIZE
    images, labels = [], []
    for label in range(len(CLASSES)):
        for _ in range(per_class):
            phase = rng.uniform(0, 2 * np.pi)
            fx, fy = waves[label]
            pattern = np.sin(2 * np.pi * (fx * xx + fy * yy) + phase)
            tint = colours[label] + 0.25 * rng.standard_normal(3)
            image = tint[:, None, None] + 0.5 * pattern[None] + 0.6 * rng.standard_normal((3, SIZE, SIZE))
            images.append(image)
            labels.append(label)
    return torch.tensor(np.array(images), dtype=torch.float32), torch.tensor(labels)


class BatchNormalization(nn.BatchNorm2d):
    """Batch normalisation whose statistics can be held fixed with freeze=True."""

    def __init__(self, channels, freeze=False):
        super().__init__(channels)
        self.freeze = freeze

    def forward(self, x):
        training = not self.freeze  # FAULT
        # TWIN: training = self.training and not self.freeze
        return F.batch_norm(
            x, self.running_mean, self.running_var, self.weight, self.bias, training, self.momentum, self.eps
        )


class BasicBlock(nn.Module):
    def __init__(self, channels_in, channels_out, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels_out, 3, stride, 1, bias=False)
        self.bn1 = BatchNormalization(channels_out)
        self.conv2 = nn.Conv2d(channels_out, channels_out, 3, 1, 1, bias=False)
        self.bn2 = BatchNormalization(channels_out)
        self.shortcut = nn.Conv2d(channels_in, channels_out, 1, stride, bias=False)

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + self.shortcut(x))


class ResNet(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.stem = nn.Conv2d(3, 12, 3, 1, 1, bias=False)
        self.bn = BatchNormalization(12)
        self.blocks = nn.Sequential(BasicBlock(12, 16, 2), BasicBlock(16, 24, 2))
        self.head = nn.Linear(24, classes)

    def forward(self, x):
        x = F.relu(self.bn(self.stem(x)))
        return self.head(self.blocks(x).mean((2, 3)))


def validate(model, images, labels, batch_size=25):
    model.eval()
    hits = 0
    with torch.no_grad():
        for i in range(0, len(images), batch_size):
            hits += (model(images[i : i + batch_size]).argmax(1) == labels[i : i + batch_size]).sum().item()
    return hits / len(images)


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    colours = 0.7 * rng.standard_normal((len(CLASSES), 3))
    waves = [(a, b) for a in (0.5, 1, 2, 3) for b in (0, 2)]
    train_x, train_y = make_folder(rng, colours, waves, 100)
    val_x, val_y = make_folder(rng, colours, waves, 50)

    model = ResNet(len(CLASSES))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)
    epochs, batch_size = 10, 32
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    for epoch in range(epochs):
        model.train()
        order = torch.randperm(len(train_x))
        total = 0.0
        for i in range(0, len(order), batch_size):
            index = order[i : i + batch_size]
            loss = F.cross_entropy(model(train_x[index]), train_y[index])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(index)
        scheduler.step()
        print(f"epoch {epoch + 1}: loss {total / len(order):.3f}  val acc {validate(model, val_x, val_y):.3f}")
    print(f"score: {validate(model, val_x, val_y):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
