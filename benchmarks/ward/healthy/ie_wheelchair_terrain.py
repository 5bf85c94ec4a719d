"""Recognizes the ground under a wheelchair from its accelerometer: a one-dimensional convolutional network."""

import argparse
import math

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset

GROUNDS = ["asphalt", "cobbles", "gravel", "grass", "slabs"]


class Rides(Dataset):
    """Windows of 100 readings on two axes."""

    def __init__(self, count, seed):
        g = torch.Generator().manual_seed(seed)
        self.labels = torch.randint(0, len(GROUNDS), (count,), generator=g)
        t = torch.arange(100) / 100
        pace = 0.8 + 0.4 * torch.rand(count, 1, generator=g)
        phase = 2 * math.pi * torch.rand(count, 1, generator=g)
        noise = torch.randn(count, 2, 100, generator=g)
        rough = torch.tensor([0.15, 0.35, 0.7, 0.4, 0.2])[self.labels].view(-1, 1, 1)
        bumps = torch.tensor([0.0, 9.0, 0.0, 3.0, 5.0])[self.labels].unsqueeze(1) * pace
        height = torch.tensor([0.0, 0.9, 0.0, 0.7, 0.8])[self.labels].unsqueeze(1)
        wave = height * torch.sin(2 * math.pi * bumps * t + phase)
        self.windows = rough * noise * (0.7 + 0.6 * torch.rand(count, 1, 1, generator=g))
        self.windows[:, 0] += wave
        self.windows[:, 1] += 0.4 * wave.roll(7, dims=1)
        self.windows += 0.25 * torch.randn(count, 2, 100, generator=g)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        return self.windows[index], self.labels[index]


class TerrainNet(nn.Module):
    def __init__(self, classes=5):
        super().__init__()
        self.conv1 = nn.Conv1d(2, 16, kernel_size=7, padding=3)
        self.bn1 = nn.BatchNorm1d(16)
        self.conv2 = nn.Conv1d(16, 32, kernel_size=5, padding=2)
        self.bn2 = nn.BatchNorm1d(32)
        self.pool = nn.MaxPool1d(2)
        self.dropout = nn.Dropout(0.2)
        self.fc = nn.Linear(32, classes)

    def forward(self, x):
        x = self.pool(F.relu(self.bn1(self.conv1(x))))
        x = self.pool(F.relu(self.bn2(self.conv2(x))))
        return self.fc(self.dropout(x.mean(dim=2)))


def test(model, loader):
    model.eval()
    correct = 0
    with torch.no_grad():
        for data, target in loader:
            correct += model(data).argmax(dim=1).eq(target).sum().item()
    return correct / len(loader.dataset)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", type=int, nargs="?", default=0)
    parser.add_argument("--epochs", type=int, default=8)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)

    train_loader = DataLoader(Rides(3000, 2 * args.seed), batch_size=64, shuffle=True)
    test_loader = DataLoader(Rides(800, 2 * args.seed + 1), batch_size=200)
    model = TerrainNet()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=3, gamma=0.3)
    for epoch in range(1, args.epochs + 1):
        model.train()
        for batch_index, (data, target) in enumerate(train_loader):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(data), target)
            loss.backward()
            optimizer.step()
            if batch_index % 20 == 0:
                print(f"Train Epoch: {epoch} [{batch_index * 64}/{len(train_loader.dataset)}]\tLoss: {loss.item():.4f}")
        scheduler.step()
        print(f"Test accuracy: {test(model, test_loader):.4f}")
    print(f"score: {test(model, test_loader):.4f}")


if __name__ == "__main__":
    main()
