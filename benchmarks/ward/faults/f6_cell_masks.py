"""Pixel masks of round cells in noisy 16x16 pictures with a small fully convolutional network and SGD.

The binary cross-entropy is summed over all pixels of the batch while the learning rate is one for a mean.
"""
# cause: summed-loss
# accept: learning-rate-too-high
# kind: dynamic

import sys

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

SIDE = 16


def cells(n):
    rows, cols = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
    masks = torch.zeros(n, SIDE, SIDE)
    for _ in range(3):
        centre = torch.rand(n, 2, 1, 1) * SIDE
        radius = 1.5 + 2 * torch.rand(n, 1, 1)
        inside = (rows - centre[:, 0]) ** 2 + (cols - centre[:, 1]) ** 2 < radius**2
        masks = torch.maximum(masks, inside.float())
    pictures = masks + 0.8 * torch.randn(n, SIDE, SIDE)
    return (pictures - 0.2).unsqueeze(1), masks.unsqueeze(1)


def block(a, b):
    return nn.Sequential(nn.Conv2d(a, b, 3, padding=1), nn.ReLU(inplace=True))


def iou(net, loader):
    inter, union = 0.0, 0.0
    with torch.no_grad():
        for x, mask in loader:
            guess = net(x) > 0
            inter += (guess & (mask > 0)).sum().item()
            union += (guess | (mask > 0)).sum().item()
    return inter / max(union, 1)


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    train_loader = DataLoader(TensorDataset(*cells(800)), batch_size=32, shuffle=True)
    val_loader = DataLoader(TensorDataset(*cells(200)), batch_size=100)
    net = nn.Sequential(block(1, 12), block(12, 12), block(12, 12), nn.Conv2d(12, 1, 1))
    sgd = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)

    for epoch in range(8):
        for x, mask in train_loader:
            sgd.zero_grad()
            loss = F.binary_cross_entropy_with_logits(net(x), mask, reduction="sum")  # FAULT
            # TWIN: loss = F.binary_cross_entropy_with_logits(net(x), mask)
            loss.backward()
            sgd.step()
        print(f"epoch {epoch + 1} loss {loss.item():.3f} val IoU {iou(net, val_loader):.3f}")
    print(f"score: {iou(net, val_loader):.4f}")


if __name__ == "__main__":
    main()
