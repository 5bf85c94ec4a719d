"""Weights of a searched cell network on my own images, read folder by folder (one folder for each class); the training
images are cut in two halves, one to train and one to validate.

After https://github.com/khanrc/pt.darts/issues/24
"""
# cause: unshuffled-data
# accept: train-validation-mismatch
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, Dataset
from torch.utils.data.sampler import SubsetRandomSampler


class ImageFolders(Dataset):
    """All images of class 0, then all of class 1, and so on, as they lie on the disk."""

    def __init__(self):
        digits = load_digits()
        self.samples = []
        for label in range(10):
            for image in digits.images[digits.target == label]:
                self.samples.append((torch.tensor(image / 16.0, dtype=torch.float32).unsqueeze(0), label))

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, i):
        image, label = self.samples[i]
        return (image - 0.3) / 0.38, label


class Cell(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.op1 = nn.Sequential(nn.ReLU(), nn.Conv2d(channels, channels, 3, padding=1), nn.BatchNorm2d(channels))
        self.op2 = nn.Sequential(nn.ReLU(), nn.Conv2d(channels, channels, 1), nn.BatchNorm2d(channels))
        self.alpha = nn.Parameter(1e-3 * torch.randn(3))

    def forward(self, x):
        w = torch.softmax(self.alpha, dim=0)
        return w[0] * x + w[1] * self.op1(x) + w[2] * self.op2(x)


class SearchCNN(nn.Module):
    def __init__(self, C=16, n_classes=10):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, C, 3, padding=1, bias=False), nn.BatchNorm2d(C))
        self.cells = nn.ModuleList([Cell(C), Cell(C)])
        self.pool = nn.AvgPool2d(4)
        self.linear = nn.Linear(C * 4, n_classes)

    def forward(self, x):
        x = self.stem(x)
        for cell in self.cells:
            x = cell(x)
        return self.linear(self.pool(torch.relu(x)).flatten(1))


def validate(valid_loader, model, criterion):
    model.eval()
    loss_sum, hits, count = 0.0, 0, 0
    with torch.no_grad():
        for X, y in valid_loader:
            logits = model(X)
            loss_sum += criterion(logits, y).item() * len(y)
            hits += (logits.argmax(1) == y).sum().item()
            count += len(y)
    return loss_sum / count, hits / count


def main(seed):
    torch.set_num_threads(1)
    np.random.seed(seed)
    torch.manual_seed(seed)

    train_data = ImageFolders()
    n_train = len(train_data)
    split = n_train // 2
    indices = list(range(n_train))  # FAULT
    # TWIN: indices = np.random.permutation(n_train).tolist()
    train_sampler = SubsetRandomSampler(indices[:split])
    valid_sampler = SubsetRandomSampler(indices[split:])
    train_loader = DataLoader(train_data, batch_size=64, sampler=train_sampler)
    valid_loader = DataLoader(train_data, batch_size=64, sampler=valid_sampler)

    model = SearchCNN()
    criterion = nn.CrossEntropyLoss()
    w_optim = torch.optim.SGD(model.parameters(), 0.05, momentum=0.9, weight_decay=3e-4)
    top1 = 0.0
    for epoch in range(10):
        model.train()
        losses, hits = [], []
        for trn_X, trn_y in train_loader:
            w_optim.zero_grad()
            logits = model(trn_X)
            loss = criterion(logits, trn_y)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            w_optim.step()
            losses.append(loss.item())
            hits.append((logits.argmax(1) == trn_y).float().mean().item())
        val_loss, top1 = validate(valid_loader, model, criterion)
        print(
            f"[{epoch + 1:2d}/10] train loss {np.mean(losses):.3f} prec@1 {np.mean(hits):.2%} | "
            f"valid loss {val_loss:.3f} prec@1 {top1:.2%}"
        )
    print(f"score: {top1:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
