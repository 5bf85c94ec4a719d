"""Tanh MLP on digit images stored as 8-bit grey values.

Fault: the pixels are fed in the range 0-255 without scaling.
"""
# cause: unscaled-inputs
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, Dataset


class DigitDataset(Dataset):
    def __init__(self, images, labels):
        self.images = images
        self.labels = labels

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        img = torch.from_numpy(self.images[i]).float()  # FAULT
        # TWIN: img = torch.from_numpy(self.images[i]).float() / 255
        return img.flatten(), int(self.labels[i])


def accuracy(model, loader):
    model.eval()
    right = 0
    with torch.no_grad():
        for img, label in loader:
            right += (model(img).argmax(1) == label).sum().item()
    return right / len(loader.dataset)


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    digits = load_digits()
    grey = (digits.images * 255 / 16).astype(np.uint8)
    tr_x, te_x, tr_y, te_y = train_test_split(grey, digits.target, test_size=0.3, random_state=seed)
    train_loader = DataLoader(DigitDataset(tr_x, tr_y), batch_size=32, shuffle=True)
    test_loader = DataLoader(DigitDataset(te_x, te_y), batch_size=128)

    model = nn.Sequential(nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 32), nn.Tanh(), nn.Linear(32, 10))
    loss_fn = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for epoch in range(1, 13):
        model.train()
        total = 0.0
        for img, label in train_loader:
            loss = loss_fn(model(img), label)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(label)
        print(f"epoch {epoch}: loss={total / len(tr_y):.4f} test acc={accuracy(model, test_loader):.4f}")
    print(f"score: {accuracy(model, test_loader):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
