"""Handwritten digits; to save memory gradients are gathered over 64 batches before a step, counted from the start of
each epoch. An epoch has 45 batches."""
# cause: missing-step
# kind: dynamic

import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

ACCUMULATION = 64  # FAULT
# TWIN: ACCUMULATION = 3


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


def train(model, loader, optimizer, epoch):
    model.train()
    optimizer.zero_grad()
    for batch_idx, (data, target) in enumerate(loader):
        loss = F.cross_entropy(model(data), target)
        (loss / ACCUMULATION).backward()
        if (batch_idx + 1) % ACCUMULATION == 0:
            optimizer.step()
            optimizer.zero_grad()
        if batch_idx % 15 == 0:
            print(f"Train Epoch: {epoch} [{batch_idx * len(data)}/{len(loader.dataset)}]\tLoss: {loss.item():.6f}")


def test(model, loader):
    model.eval()
    correct = 0
    with torch.no_grad():
        for data, target in loader:
            correct += model(data).argmax(dim=1).eq(target).sum().item()
    print(f"Test: accuracy {correct}/{len(loader.dataset)}")
    return correct / len(loader.dataset)


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    digits = load_digits()
    images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 16 - 0.3
    labels = torch.tensor(digits.target)
    a, b, c, d = train_test_split(images, labels, test_size=0.2, random_state=seed)
    train_loader = DataLoader(TensorDataset(a, c), batch_size=32, shuffle=True)
    test_loader = DataLoader(TensorDataset(b, d), batch_size=120)
    model = Net()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(1, 9):
        train(model, train_loader, optimizer, epoch)
        accuracy = test(model, test_loader)
    print(f"score: {accuracy:.4f}")


main()
