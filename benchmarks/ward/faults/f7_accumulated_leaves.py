"""Leaf species from margin features, batches of ten whose gradients are gathered over four before a step. After the
step nobody clears them."""
# cause: missing-zero-grad
# kind: dynamic

import argparse

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

parser = argparse.ArgumentParser(description="leaves")
parser.add_argument("seed", type=int, nargs="?", default=0)
parser.add_argument("--epochs", type=int, default=15)
parser.add_argument("--accumulate", type=int, default=4)
args = parser.parse_args()

torch.set_num_threads(1)
torch.manual_seed(args.seed)
rng = np.random.default_rng(args.seed)


def leaves(n, centres):
    species = rng.integers(0, len(centres), n)
    margin = centres[species] + rng.normal(0, 1.0, (n, centres.shape[1]))
    return TensorDataset(torch.tensor(margin, dtype=torch.float32), torch.tensor(species))


centres = rng.normal(0, 0.8, (15, 32))
train_loader = DataLoader(leaves(1500, centres), batch_size=10, shuffle=True)
val_loader = DataLoader(leaves(500, centres), batch_size=100)

model = nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 15))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
criterion = nn.CrossEntropyLoss()

for epoch in range(args.epochs):
    model.train()
    total = 0.0
    for i, (x, y) in enumerate(train_loader):
        loss = criterion(model(x), y) / args.accumulate
        loss.backward()
        total += loss.item() * args.accumulate
        if (i + 1) % args.accumulate == 0:
            optimizer.step()
            # TWIN: optimizer.zero_grad()
    model.eval()
    hits = 0
    with torch.no_grad():
        for x, y in val_loader:
            hits += (model(x).argmax(1) == y).sum().item()
    print(f"Epoch {epoch:02d} | train loss {total / len(train_loader):.4f} | val acc {hits / 500:.4f}")
print(f"score: {hits / 500:.4f}")
