"""A reader of upright digits is taught to read their negatives, sideways, by its normalisation layers and head alone.

All convolutions stay as they were: two hundred numbers are enough to re-tune what they see.
"""

import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def conv(a, b):
    return [nn.Conv2d(a, b, 3, padding=1, bias=False), nn.BatchNorm2d(b), nn.ReLU()]


def make_net():
    return nn.Sequential(
        *conv(1, 16), *conv(16, 32), nn.MaxPool2d(2), *conv(32, 32), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(128, 10)
    )


def train(net, loader, epochs, lr):
    optimizer = torch.optim.Adam([p for p in net.parameters() if p.requires_grad], lr=lr)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=lr, total_steps=epochs * len(loader))
    for epoch in range(epochs):
        net.train()
        total = 0.0
        for x, y in loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x), y)
            loss.backward()
            optimizer.step()
            scheduler.step()
            total += loss.item()
        if epoch % 2 == 1:
            print(f"  epoch {epoch + 1}: loss {total / len(loader):.4f}")


def accuracy(net, x, y):
    net.eval()
    with torch.no_grad():
        return (net(x).argmax(1) == y).float().mean().item()


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    digits = load_digits()
    x = torch.tensor((digits.images - 4.88) / 6.02, dtype=torch.float32).unsqueeze(1)
    y = torch.tensor(digits.target)
    order = torch.randperm(len(x))
    old, new, test = order[:800], order[800:1400], order[1400:]
    odd = -x.transpose(2, 3)

    net = make_net()
    print("upright")
    train(net, DataLoader(TensorDataset(x[old], y[old]), batch_size=40, shuffle=True), epochs=8, lr=5e-3)
    print(f"upright {accuracy(net, x[test], y[test]):.4f}, odd ones {accuracy(net, odd[test], y[test]):.4f}")

    for module in net:
        module.requires_grad_(isinstance(module, (nn.BatchNorm2d, nn.Linear)))
    print("odd ones")
    train(net, DataLoader(TensorDataset(odd[new], y[new]), batch_size=40, shuffle=True), epochs=14, lr=1e-2)
    print(f"score: {accuracy(net, odd[test], y[test]):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
