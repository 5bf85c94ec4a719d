"""Galaxies as elliptical, spiral or edge-on from small pictures kept as bytes: a plain convolutional network, flips
and quarter turns on the fly, SGD with Nesterov momentum and the one-cycle policy.
"""

import math
import sys

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset

torch.set_num_threads(1)
SIZE = 24


def picture(kind):
    axis = torch.linspace(-1, 1, SIZE)
    yy, xx = torch.meshgrid(axis + 0.1 * torch.randn(1), axis + 0.1 * torch.randn(1), indexing="ij")
    a = math.pi * torch.rand(1)
    u, v = xx * a.cos() + yy * a.sin(), yy * a.cos() - xx * a.sin()
    flat = [0.6 + 0.4 * torch.rand(1), 0.7 + 0.3 * torch.rand(1), 0.15 + 0.25 * torch.rand(1)][kind]
    r, angle = torch.sqrt(u**2 + (v / flat) ** 2), torch.atan2(v / flat, u)
    light = torch.exp(-r / (0.2 + 0.12 * torch.rand(1)))
    if kind == 1:
        turn = 1.5 if torch.rand(1) < 0.5 else -1.5
        light = 0.6 * light + 0.5 * torch.exp(-1.5 * r) * torch.cos(angle + turn * 3 * r).abs() ** 3
    sky = light * (0.5 + 0.5 * torch.rand(1)) + 0.12 * torch.randn(SIZE, SIZE) + 0.1
    return (sky.clamp(0, 1) * 255).to(torch.uint8)


class Sky(Dataset):
    def __init__(self, n, augment):
        self.labels = torch.randint(0, 3, (n,))
        self.images = torch.stack([picture(k) for k in self.labels.tolist()])
        self.augment = augment

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        image = self.images[i].float().div(255).sub(0.2).div(0.25)
        if self.augment:
            image = torch.rot90(image, int(torch.randint(0, 4, ())))
            image = image.flip(0) if torch.rand(()) < 0.5 else image
        return image.unsqueeze(0), self.labels[i]


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 12, 3, padding=1)
        self.conv2 = nn.Conv2d(12, 24, 3, padding=1)
        self.conv3 = nn.Conv2d(24, 32, 3, padding=1)
        self.fc1 = nn.Linear(32 * 9, 48)
        self.fc2 = nn.Linear(48, 3)

    def forward(self, x):
        for conv in (self.conv1, self.conv2, self.conv3):
            x = F.max_pool2d(F.relu(conv(x)), 2)
        return self.fc2(F.relu(self.fc1(x.flatten(1))))


def test(model, loader):
    model.eval()
    loss = correct = 0
    with torch.no_grad():
        for x, y in loader:
            out = model(x)
            loss += F.cross_entropy(out, y, reduction="sum").item()
            correct += out.argmax(1).eq(y).sum().item()
    return loss / len(loader.dataset), correct / len(loader.dataset)


if __name__ == "__main__":
    torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    train_loader = DataLoader(Sky(2000, True), batch_size=40, shuffle=True)
    val_loader, test_loader = DataLoader(Sky(400, False), batch_size=200), DataLoader(Sky(600, False), batch_size=200)
    model, epochs = Net(), 10
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9, nesterov=True, weight_decay=1e-4)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.05, epochs * len(train_loader))
    for epoch in range(1, epochs + 1):
        model.train()
        for x, y in train_loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            scheduler.step()
        val_loss, val_acc = test(model, val_loader)
        print(f"Epoch {epoch}/{epochs} train loss {loss.item():.4f} val loss {val_loss:.4f} val acc {val_acc:.4f}")
    print(f"score: {test(model, test_loader)[1]:.4f}")
