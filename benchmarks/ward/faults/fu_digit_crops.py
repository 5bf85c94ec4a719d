"""Trains a small convolutional network on random placements of handwritten digits: every item of the data set is
a randomly chosen digit pasted at a random spot of a larger canvas with some speckle.

After https://tanelp.github.io/posts/a-bug-that-plagues-thousands-of-open-source-ml-projects
"""
# cause: duplicate-augmentation
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, Dataset

CANVAS = 10


def paste(image, top, left, speckle):
    canvas = np.zeros((CANVAS, CANVAS), dtype=np.float32)
    canvas[top : top + 8, left : left + 8] = image
    return (canvas + 0.1 * speckle).astype(np.float32)


class RandomCrops(Dataset):
    def __init__(self, images, labels, per_epoch):
        self.images, self.labels, self.per_epoch = images, labels, per_epoch

    def __len__(self):
        return self.per_epoch

    def __getitem__(self, index):
        pick = np.random.randint(len(self.images))
        top, left = np.random.randint(0, CANVAS - 7, size=2)
        speckle = np.random.randn(CANVAS, CANVAS)
        return paste(self.images[pick], top, left, speckle)[None], int(self.labels[pick])


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1)
        self.fc1 = nn.Linear(32 * 4, 64)
        self.fc2 = nn.Linear(64, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.fc2(F.relu(self.fc1(x.flatten(1))))


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    np.random.seed(seed)

    digits = load_digits()
    x_train, x_test, y_train, y_test = train_test_split(
        digits.images / 16.0, digits.target, test_size=500, random_state=seed, stratify=digits.target
    )

    rng = np.random.default_rng(seed + 100)
    test = [paste(im, *rng.integers(0, CANVAS - 7, size=2), rng.normal(size=(CANVAS, CANVAS))) for im in x_test]
    test_x = torch.from_numpy(np.stack(test))[:, None]
    test_y = torch.from_numpy(y_test)

    def init_worker(worker_id):
        np.random.seed(seed)  # FAULT
        # TWIN: np.random.seed(torch.initial_seed() % 2**32)

    loader = DataLoader(RandomCrops(x_train, y_train, 384), batch_size=32, num_workers=2, worker_init_fn=init_worker)

    net = Net()
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    for epoch in range(20):
        net.train()
        total, right, seen = 0.0, 0, 0
        for x, y in loader:
            optimizer.zero_grad()
            out = net(x)
            loss = F.cross_entropy(out, y)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(x)
            right += (out.argmax(1) == y).sum().item()
            seen += len(x)
        net.eval()
        with torch.no_grad():
            accuracy = (net(test_x).argmax(1) == test_y).float().mean().item()
        print(f"epoch {epoch + 1}: train loss {total / seen:.4f} train acc {right / seen:.3f} test acc {accuracy:.3f}")

    print(f"score: {accuracy:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
