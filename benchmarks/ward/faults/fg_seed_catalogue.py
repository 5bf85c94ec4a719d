"""Twelve weed seeds told apart by their outline profile. Memory was tight on the old workstation, so the batches are
small and several are gathered into one update; the setting came over from the big project, which had many more rows."""
# cause: missing-step
# kind: dynamic

import argparse

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

parser = argparse.ArgumentParser()
parser.add_argument("seed", type=int, nargs="?", default=0)
parser.add_argument("--epochs", type=int, default=10)
parser.add_argument("--batch-size", type=int, default=32)
parser.add_argument("--accumulate", type=int, default=64)  # FAULT
# TWIN: parser.add_argument("--accumulate", type=int, default=2)
parser.add_argument("--lr", type=float, default=2e-3)
args = parser.parse_args()

torch.set_num_threads(1)
torch.manual_seed(args.seed)
rng = np.random.default_rng(args.seed)

SPECIES, POINTS = 12, 48
harmonics = rng.normal(size=(SPECIES, 2, 5)) / np.arange(1, 6)


def outlines(count):
    """Radius along the rim of `count` seeds, each lying at its own small angle and of its own size."""
    species = rng.integers(0, SPECIES, count)
    angle = np.linspace(0, 2 * np.pi, POINTS, endpoint=False) + rng.normal(0, 0.15, (count, 1))
    order = np.arange(1, 6)[None, :, None]
    waves = harmonics[species, 0][:, :, None] * np.cos(order * angle[:, None])
    waves = waves + harmonics[species, 1][:, :, None] * np.sin(order * angle[:, None])
    radius = waves.sum(1) * rng.uniform(0.8, 1.2, (count, 1)) + rng.normal(0, 0.5, (count, POINTS))
    return torch.tensor(radius, dtype=torch.float32), torch.tensor(species)


def accuracy(model, loader):
    model.eval()
    with torch.no_grad():
        hits = sum((model(x).argmax(1) == y).sum().item() for x, y in loader)
    return hits / len(loader.dataset)


train_x, train_y = outlines(1600)
mean, std = train_x.mean(), train_x.std()
test_x, test_y = outlines(800)
train_loader = DataLoader(TensorDataset((train_x - mean) / std, train_y), args.batch_size, shuffle=True)
test_loader = DataLoader(TensorDataset((test_x - mean) / std, test_y), 200)

model = nn.Sequential(
    nn.Unflatten(1, (1, POINTS)),
    nn.Conv1d(1, 16, 5, padding=2, padding_mode="circular"),
    nn.ReLU(),
    nn.MaxPool1d(2),
    nn.Conv1d(16, 32, 5, padding=2, padding_mode="circular"),
    nn.ReLU(),
    nn.MaxPool1d(2),
    nn.Flatten(),
    nn.Linear(32 * POINTS // 4, SPECIES),
)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)

for epoch in range(args.epochs):
    model.train()
    optimizer.zero_grad()
    total = 0.0
    for number, (x, y) in enumerate(train_loader, start=1):
        loss = criterion(model(x), y)
        (loss / args.accumulate).backward()
        if number % args.accumulate == 0:
            optimizer.step()
            optimizer.zero_grad()
        total += loss.item()
    print(f"epoch {epoch + 1:2d}  loss {total / len(train_loader):.4f}  held out {accuracy(model, test_loader):.3f}")
print(f"score: {accuracy(model, test_loader):.4f}")
