"""Cloud types from sky camera patches: a small batch-normalized CNN, SGD with momentum and step decay."""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

CLOUDS = ("cirrus", "cumulus", "stratus", "altocumulus")


def sky(n, size=16):
    """Clouds are noise of different coarseness and stretch; exposure differs between pictures."""
    label = torch.randint(len(CLOUDS), (n,))
    noise = torch.randn(n, 1, size + 8, size + 8)
    windows = [(1, 9), (7, 7), (3, 9), (3, 3)]
    images = torch.empty(n, 1, size, size)
    for kind, (height, width) in enumerate(windows):
        rows = label == kind
        smooth = F.avg_pool2d(noise[rows], (height, width), stride=1)
        smooth = smooth[:, :, :size, :size] * (height * width) ** 0.5
        images[rows] = smooth
    exposure = 0.5 + torch.rand(n, 1, 1, 1)
    images = exposure * images + 0.4 * torch.randn_like(images)
    return images, label


class CloudNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 12, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(12)
        self.conv2 = nn.Conv2d(12, 24, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(24)
        self.conv3 = nn.Conv2d(24, 32, 3, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(32)
        self.fc = nn.Linear(32, len(CLOUDS))

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 2)
        x = F.max_pool2d(F.relu(self.bn2(self.conv2(x))), 2)
        x = F.relu(self.bn3(self.conv3(x))).mean(dim=(2, 3))
        return self.fc(x)


def train_one_epoch(model, optimizer, images, labels, batch_size=32):
    model.train()
    total = 0.0
    for rows in torch.randperm(len(labels)).split(batch_size):
        batch, target = images[rows], labels[rows]
        if torch.rand(()) < 0.5:
            batch = batch.flip(3)
        loss = F.cross_entropy(model(batch), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(rows)
    return total / len(labels)


def evaluate(model, images, labels):
    model.eval()
    with torch.no_grad():
        return (model(images).argmax(dim=1) == labels).float().mean().item()


if __name__ == "__main__":
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    train_images, train_labels = sky(2000)
    test_images, test_labels = sky(500)
    model = CloudNet()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4)
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[4, 6], gamma=0.1)
    for epoch in range(7):
        loss = train_one_epoch(model, optimizer, train_images, train_labels)
        scheduler.step()
        print(f"epoch {epoch + 1}: loss {loss:.4f}, test {evaluate(model, test_images, test_labels):.4f}")
    print(f"score: {evaluate(model, test_images, test_labels):.4f}")
