"""Convolutional digit reader with batch norm and dropout; after training, the held-out images are read one at a time.

The network is never put in evaluation mode: batch norm uses each single test image's own statistics
and dropout goes on.
"""
# cause: evaluation-in-train-mode
# kind: dynamic

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(16)
        self.conv2 = nn.Conv2d(16, 24, 3, padding=1)
        self.bn2 = nn.BatchNorm2d(24)
        self.conv3 = nn.Conv2d(24, 32, 3, padding=1)
        self.bn3 = nn.BatchNorm2d(32)
        self.fc1 = nn.Linear(32 * 4, 48)
        self.dropout = nn.Dropout(0.5)
        self.fc2 = nn.Linear(48, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 2)
        x = F.max_pool2d(F.relu(self.bn2(self.conv2(x))), 2)
        x = F.relu(self.bn3(self.conv3(x)))
        x = F.relu(self.fc1(x.flatten(1)))
        return F.log_softmax(self.fc2(self.dropout(x)), dim=1)


def test(model, loader):
    # TWIN: model.eval()
    loss, correct = 0.0, 0
    with torch.no_grad():
        for image, label in loader:
            log_p = model(image)
            loss += F.nll_loss(log_p, label, reduction="sum").item()
            correct += log_p.argmax(dim=1).eq(label).sum().item()
    n = len(loader.dataset)
    print(f"Test set: average loss {loss / n:.4f}, accuracy {correct}/{n}")
    return correct / n


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    images, labels = load_digits(return_X_y=True)
    images = (images.reshape(-1, 1, 8, 8) / 16).astype("float32")
    parts = train_test_split(images, labels, test_size=0.25, random_state=seed, stratify=labels)
    x_train, x_test, y_train, y_test = map(torch.from_numpy, parts)
    train_loader = DataLoader(TensorDataset(x_train, y_train), batch_size=64, shuffle=True)
    test_loader = DataLoader(TensorDataset(x_test, y_test), batch_size=1)

    model = Reader()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(1, 7):
        model.train()
        for i, (image, label) in enumerate(train_loader):
            optimizer.zero_grad()
            loss = F.nll_loss(model(image), label)
            loss.backward()
            optimizer.step()
            if i % 10 == 0:
                print(f"Train epoch {epoch} [{i * 64}/{len(x_train)}] loss: {loss.item():.4f}")
    print(f"score: {test(model, test_loader):.4f}")


if __name__ == "__main__":
    main()
