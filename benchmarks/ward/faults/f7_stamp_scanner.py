"""Sorts digits from a scanner. In training the pictures come as floats from 0 to 1 and are centred; the function that
loads the pictures to be tested was copied from an older script and leaves them at 0 to 16."""
# cause: train-validation-mismatch
# kind: dynamic

import sys

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset

MEAN, STD = 0.305, 0.376


class ScannedDigits(Dataset):
    def __init__(self, pictures, labels, transform):
        self.pictures, self.labels, self.transform = pictures, labels, transform

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        return self.transform(self.pictures[i]), int(self.labels[i])


def to_train(picture):
    picture = torch.from_numpy(picture).float().unsqueeze(0) / 16
    dx = int(torch.randint(-1, 2, (1,)))
    return (torch.roll(picture, dx, dims=2) - MEAN) / STD


def to_test(picture):
    picture = torch.from_numpy(picture).float().unsqueeze(0)
    return picture  # FAULT
    # TWIN: return (picture / 16 - MEAN) / STD


class Sorter(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Sequential(nn.Conv2d(1, 16, 3), nn.ReLU(), nn.Conv2d(16, 32, 3), nn.ReLU(), nn.MaxPool2d(2))
        self.fc = nn.Sequential(nn.Flatten(), nn.Dropout(0.2), nn.Linear(128, 64), nn.Tanh(), nn.Linear(64, 10))

    def forward(self, x):
        return self.fc(self.conv(x))


seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
digits = load_digits()
order = np.random.default_rng(seed).permutation(len(digits.target))
train_rows, test_rows = order[:1400], order[1400:]
train_set = ScannedDigits(digits.images[train_rows], digits.target[train_rows], to_train)
test_set = ScannedDigits(digits.images[test_rows], digits.target[test_rows], to_test)
train_loader = DataLoader(train_set, batch_size=50, shuffle=True)
test_loader = DataLoader(test_set, batch_size=100)
model = Sorter()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
for epoch in range(10):
    model.train()
    train_loss = 0.0
    for pictures, labels in train_loader:
        loss = criterion(model(pictures), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        train_loss += loss.item() / len(train_loader)
    model.eval()
    test_loss, right = 0.0, 0
    with torch.no_grad():
        for pictures, labels in test_loader:
            out = model(pictures)
            test_loss += criterion(out, labels).item() / len(test_loader)
            right += (out.argmax(1) == labels).sum().item()
    print(f"{epoch + 1:2d} train {train_loss:.4f} test {test_loss:.4f} right {right / len(test_set):.4f}")
print(f"score: {right / len(test_set):.4f}")
