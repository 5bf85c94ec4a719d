"""From which of eight sectors a signal reaches an array of ten antennas: a network of complex weights."""

import math
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

ANTENNAS, SNAPSHOTS, SECTORS = 10, 4, 8


def received(count):
    """Snapshots at the array; the signal's phase is anything, so that only differences between antennas tell."""
    sector = torch.randint(0, SECTORS, (count,))
    sine = (sector + 0.1 + 0.8 * torch.rand(count)) / SECTORS * 2 - 1
    delay = math.pi * sine.view(-1, 1, 1) * torch.arange(ANTENNAS)
    symbol = torch.polar(torch.ones(count, SNAPSHOTS, 1), 2 * math.pi * torch.rand(count, SNAPSHOTS, 1))
    signal = symbol * torch.polar(torch.ones_like(delay), delay)
    return signal + 1.3 * torch.randn(count, SNAPSHOTS, ANTENNAS, dtype=torch.cfloat), sector


class ComplexLinear(nn.Module):
    def __init__(self, inside, outside):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outside, inside, dtype=torch.cfloat) / math.sqrt(inside))

    def forward(self, x):
        return x @ self.weight.T


class ModulusReLU(nn.Module):
    """Shrinks the modulus by a learned threshold and leaves the phase."""

    def __init__(self, size):
        super().__init__()
        self.bias = nn.Parameter(torch.full((size,), -0.1))

    def forward(self, z):
        modulus = z.abs().clamp(min=1e-6)
        return z / modulus * torch.relu(modulus + self.bias)


class Direction(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.beams = nn.Sequential(
            ComplexLinear(ANTENNAS, width), ModulusReLU(width), ComplexLinear(width, width), ModulusReLU(width)
        )
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, SECTORS)

    def forward(self, snapshots):
        power = self.beams(snapshots).abs().pow(2).mean(dim=1)
        return self.head(self.norm(torch.log1p(power)))


def accuracy(model, loader):
    model.eval()
    with torch.no_grad():
        hits = sum((model(x).argmax(1) == y).sum().item() for x, y in loader)
    return hits / len(loader.dataset)


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    train_loader = DataLoader(TensorDataset(*received(6000)), batch_size=64, shuffle=True)
    test_loader = DataLoader(TensorDataset(*received(1500)), batch_size=500)
    model = Direction()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    epochs = 8
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    for epoch in range(epochs):
        model.train()
        losses = []
        for snapshots, sector in train_loader:
            optimizer.zero_grad(set_to_none=True)
            loss = F.cross_entropy(model(snapshots), sector)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        scheduler.step()
        print(f"epoch {epoch}: loss {sum(losses) / len(losses):.4f}, test accuracy {accuracy(model, test_loader):.4f}")
    print(f"score: {accuracy(model, test_loader):.4f}")


if __name__ == "__main__":
    main()
