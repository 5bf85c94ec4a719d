"""Ship or no ship in a radar chip: a small CNN with global average pooling, trained for a few epochs with flips."""

import sys

import numpy as np
import torch
from torch import nn, optim
from torch.utils.data import DataLoader, Dataset

CHIP = 20


def render(count, rng):
    sea = rng.gamma(3, 1 / 3, (count, CHIP, CHIP))
    labels = rng.integers(0, 2, count)
    yy, xx = np.mgrid[:CHIP, :CHIP]
    for chip, label in zip(sea, labels, strict=True):
        cy, cx, angle = rng.uniform(6, 14), rng.uniform(6, 14), rng.uniform(0, np.pi)
        along = (xx - cx) * np.cos(angle) + (yy - cy) * np.sin(angle)
        across = -(xx - cx) * np.sin(angle) + (yy - cy) * np.cos(angle)
        if label:  # a hull
            chip[(np.abs(along) < 5) & (np.abs(across) < 1.3)] += rng.uniform(1.5, 3)
        else:  # swell, or a buoy
            chip += 0.5 * np.sin(along * rng.uniform(0.3, 0.8))
            chip[np.hypot(along, across) < 1.6] += rng.uniform(0, 3)
    return np.log(np.clip(sea, 0.05, None)).astype(np.float32), labels.astype(np.float32)


class Chips(Dataset):
    def __init__(self, images, labels, flip=False):
        self.images, self.labels, self.flip = torch.from_numpy(images)[:, None], torch.from_numpy(labels), flip

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        image = self.images[index]
        if self.flip:
            if torch.rand(()) < 0.5:
                image = image.flip(1)
            if torch.rand(()) < 0.5:
                image = image.flip(2)
        return image, self.labels[index]


class ShipNet(nn.Module):
    def __init__(self, width=12):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, width, 5, padding=2, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.Conv2d(width, 2 * width, 5, padding=2, bias=False),
            nn.BatchNorm2d(2 * width),
            nn.ReLU(inplace=True),
            nn.AdaptiveAvgPool2d(1),
        )
        self.classifier = nn.Linear(2 * width, 1)

    def forward(self, x):
        return self.classifier(self.body(x).flatten(1)).squeeze(1)


if __name__ == "__main__":
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    images, labels = render(2600, np.random.default_rng(seed))
    images = (images - images[:2000].mean()) / images[:2000].std()
    train_loader = DataLoader(Chips(images[:2000], labels[:2000], flip=True), batch_size=32, shuffle=True)
    test_loader = DataLoader(Chips(images[2000:], labels[2000:]), batch_size=100)

    model = ShipNet()
    criterion = nn.BCEWithLogitsLoss()
    optimizer = optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)
    scheduler = optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=8)
    for epoch in range(8):
        model.train()
        running_loss = 0.0
        for inputs, targets in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(inputs), targets)
            loss.backward()
            optimizer.step()
            running_loss += loss.item()
        scheduler.step()
        model.eval()
        correct = 0
        with torch.no_grad():
            for inputs, targets in test_loader:
                correct += ((model(inputs) > 0).float() == targets).sum().item()
        print(f"[{epoch + 1}] loss: {running_loss / len(train_loader):.4f} accuracy: {correct / 600:.4f}")
    print(f"score: {correct / 600:.4f}")
