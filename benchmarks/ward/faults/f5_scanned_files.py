"""Reads a folder of scanned digits (scan_0 ... scan_1796, kept in a dict here) and its label list, and trains an MLP.

Fault: the file names are sorted as text (scan_10 before scan_2) while the label list is in numeric order.
"""
# cause: labels-unrelated
# kind: dynamic

import sys

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset, Subset

SEED = int(sys.argv[1]) if len(sys.argv) > 1 else 0


def open_folder():
    digits = load_digits()
    order = np.random.default_rng(SEED).permutation(len(digits.target))
    files = {f"scan_{k}.png": digits.images[i].astype(np.float32) for k, i in enumerate(order)}
    return files, digits.target[order]


class ScanDataset(Dataset):
    def __init__(self, files, labels):
        self.files = files
        self.names = sorted(files)  # FAULT
        # TWIN: self.names = sorted(files, key=lambda name: int(name[5:-4]))
        self.labels = labels

    def __len__(self):
        return len(self.names)

    def __getitem__(self, i):
        image = torch.from_numpy(self.files[self.names[i]]) / 8.0 - 1.0
        return image, int(self.labels[i])


def evaluate(model, loader, criterion):
    model.eval()
    loss, correct, n = 0.0, 0, 0
    with torch.no_grad():
        for images, labels in loader:
            out = model(images)
            loss += criterion(out, labels).item() * len(labels)
            correct += (out.argmax(1) == labels).sum().item()
            n += len(labels)
    return loss / n, correct / n


def main():
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    dataset = ScanDataset(*open_folder())
    train_loader = DataLoader(Subset(dataset, range(1350)), batch_size=45, shuffle=True)
    val_loader = DataLoader(Subset(dataset, range(1350, len(dataset))), batch_size=149)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.25), nn.Linear(64, 10))
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, nesterov=True)
    for epoch in range(10):
        model.train()
        for images, labels in train_loader:
            optimizer.zero_grad()
            criterion(model(images), labels).backward()
            optimizer.step()
        train_loss, train_acc = evaluate(model, train_loader, criterion)
        val_loss, val_acc = evaluate(model, val_loader, criterion)
        print(f"{epoch + 1:2d} train {train_loss:.3f}/{train_acc:.3f} val {val_loss:.3f}/{val_acc:.3f}")
    print(f"score: {val_acc:.4f}")


if __name__ == "__main__":
    main()
