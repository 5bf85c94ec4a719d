"""Sorts small patches of stained tissue into three kinds with a convolutional network.

After a report remembered: discuss.pytorch.org, good training accuracy but one and the same class for every test image
"""
# cause: train-validation-mismatch
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset

KINDS = ("healthy", "inflamed", "tumour")


class Normalize:
    def __init__(self, mean, std):
        self.mean = torch.tensor(mean).view(3, 1, 1)
        self.std = torch.tensor(std).view(3, 1, 1)

    def __call__(self, image):
        return (image - self.mean) / self.std


class ToTensor:
    def __call__(self, image):
        return torch.from_numpy(image).permute(2, 0, 1).float() / 255.0


class Compose:
    def __init__(self, steps):
        self.steps = steps

    def __call__(self, image):
        for step in self.steps:
            image = step(image)
        return image


class SlideDataset(Dataset):
    """Patches of 12 x 12 pixels, pink ground with purple nuclei; kinds differ in number of nuclei and tint."""

    def __init__(self, rng, n, transform):
        self.labels = rng.integers(0, 3, size=n)
        ground = np.array([215.0, 175.0, 205.0])
        nucleus = np.array([-45.0, -50.0, -20.0])
        tint = np.array([[0, 0, 0], [6, -6, -4], [-6, -4, 6]], dtype=float)
        density = np.array([0.08, 0.16, 0.28])
        noise = rng.normal(0, 9, size=(n, 12, 12, 3))
        nuclei = rng.random(size=(n, 12, 12, 1)) < density[self.labels][:, None, None, None]
        tints = tint[self.labels] + rng.normal(0, 3, size=(n, 3))
        pixels = ground + tints[:, None, None, :] + nuclei * nucleus + noise
        self.images = pixels.clip(0, 255).astype(np.uint8)
        self.transform = transform

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        return self.transform(self.images[i]), int(self.labels[i])


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 12, 3, padding=1)
        self.conv2 = nn.Conv2d(12, 16, 3, padding=1)
        self.fc = nn.Linear(16, 3)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.relu(self.conv2(x)).mean(dim=(2, 3))
        return self.fc(x)


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    mean, std = [0.81, 0.65, 0.79], [0.09, 0.09, 0.05]
    train_transform = Compose([ToTensor(), Normalize(mean, std)])
    test_transform = Compose([ToTensor()])  # FAULT
    # TWIN: test_transform = Compose([ToTensor(), Normalize(mean, std)])
    train_loader = DataLoader(SlideDataset(rng, 900, train_transform), batch_size=30, shuffle=True)
    test_loader = DataLoader(SlideDataset(rng, 300, test_transform), batch_size=100)

    net = Net()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(net.parameters(), lr=4e-3)
    for epoch in range(10):
        net.train()
        correct, total_loss = 0, 0.0
        for images, labels in train_loader:
            optimizer.zero_grad()
            outputs = net(images)
            loss = criterion(outputs, labels)
            loss.backward()
            optimizer.step()
            total_loss += loss.item()
            correct += (outputs.argmax(1) == labels).sum().item()
        print(f"epoch {epoch}: train loss {total_loss / len(train_loader):.4f} train acc {correct / 900:.4f}")

    net.eval()
    counts, correct = torch.zeros(3), 0
    with torch.no_grad():
        for images, labels in test_loader:
            predicted = net(images).argmax(1)
            counts += torch.bincount(predicted, minlength=3)
            correct += (predicted == labels).sum().item()
    print("predicted on the test set:", dict(zip(KINDS, counts.int().tolist())))
    print(f"score: {correct / 300:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
