"""ResNet for small natural-looking pictures of ten kinds: training with the usual normalisation and augmentation, then the accuracy on the test set.

After https://github.com/JeasunLok/ResNet-pytorch/issues/1
"""
# cause: train-validation-mismatch
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset


def draw_pictures(rng, prototypes, n):
    """Pictures as bytes, 3 x 16 x 16, each a prototype moved, dimmed and overlaid with clutter."""
    labels = rng.integers(0, len(prototypes), n)
    pictures = np.empty((n, 3, 16, 16))
    for i, label in enumerate(labels):
        picture = np.roll(prototypes[label], tuple(rng.integers(-2, 3, 2)), (1, 2))
        contrast = rng.uniform(0.5, 1.3)
        pictures[i] = 95 + 38 * (contrast * picture + 1.2 * rng.standard_normal((3, 16, 16)))
    return np.clip(pictures, 0, 255).astype(np.uint8), labels


def make_prototypes(rng, classes=10):
    coarse = rng.standard_normal((classes, 3, 6, 6))
    return coarse.repeat(3, axis=2).repeat(3, axis=3)[:, :, 1:17, 1:17]


def to_tensor(picture, rng):
    return torch.from_numpy(picture).float() / 255


class RandomCrop:
    def __init__(self, padding):
        self.padding = padding

    def __call__(self, picture, rng):
        p = self.padding
        padded = nn.functional.pad(picture, (p, p, p, p))
        top, left = rng.integers(0, 2 * p + 1, 2)
        return padded[:, top : top + picture.shape[1], left : left + picture.shape[2]]


class Normalize:
    def __init__(self, mean, std):
        self.mean, self.std = torch.tensor(mean)[:, None, None], torch.tensor(std)[:, None, None]

    def __call__(self, picture, rng):
        return (picture - self.mean) / self.std


class Pictures(Dataset):
    def __init__(self, pictures, labels, transform, rng):
        self.pictures, self.labels, self.transform, self.rng = pictures, labels, transform, rng

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        picture = self.pictures[index]
        for step in self.transform:
            picture = step(picture, self.rng)
        return picture, int(self.labels[index])


class Residual(nn.Module):
    def __init__(self, inc, outc, stride):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(inc, outc, 3, stride, 1, bias=False),
            nn.BatchNorm2d(outc),
            nn.ReLU(),
            nn.Conv2d(outc, outc, 3, 1, 1, bias=False),
            nn.BatchNorm2d(outc),
        )
        self.skip = nn.Sequential(nn.Conv2d(inc, outc, 1, stride, bias=False), nn.BatchNorm2d(outc))

    def forward(self, x):
        return torch.relu(self.body(x) + self.skip(x))


def resnet(classes):
    return nn.Sequential(
        nn.Conv2d(3, 12, 3, 1, 1, bias=False),
        nn.BatchNorm2d(12),
        nn.ReLU(),
        Residual(12, 16, 2),
        Residual(16, 32, 2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(32, classes),
    )


def test(model, loader):
    model.eval()
    with torch.no_grad():
        hits = torch.cat([model(pictures).argmax(1) == labels for pictures, labels in loader])
    return hits.float().mean().item()


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    prototypes = make_prototypes(rng)
    train_pictures, train_labels = draw_pictures(rng, prototypes, 900)
    test_pictures, test_labels = draw_pictures(rng, prototypes, 500)
    mean = (train_pictures / 255.0).mean((0, 2, 3)).astype(np.float32)
    std = (train_pictures / 255.0).std((0, 2, 3)).astype(np.float32)
    transform_train = [to_tensor, RandomCrop(1), Normalize(mean, std)]
    transform_test = [to_tensor]  # FAULT
    # TWIN: transform_test = [to_tensor, Normalize(mean, std)]
    train_loader = DataLoader(Pictures(train_pictures, train_labels, transform_train, rng), 50, shuffle=True)
    test_loader = DataLoader(Pictures(test_pictures, test_labels, transform_test, rng), 100)

    model = resnet(10)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 8)
    for epoch in range(8):
        model.train()
        correct, running = 0, 0.0
        for pictures, labels in train_loader:
            optimizer.zero_grad()
            output = model(pictures)
            loss = criterion(output, labels)
            loss.backward()
            optimizer.step()
            running += loss.item() * len(labels)
            correct += (output.argmax(1) == labels).sum().item()
        scheduler.step()
        print(
            f"epoch {epoch}  train loss {running / len(train_labels):.3f}  train acc {correct / len(train_labels):.3f}"
            f"  test acc {test(model, test_loader):.3f}"
        )
    print(f"score: {test(model, test_loader):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
