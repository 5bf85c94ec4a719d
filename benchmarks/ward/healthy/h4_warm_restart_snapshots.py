"""Snapshot ensemble: cosine annealing with warm restarts, the network copied at each low point, votes averaged."""

import copy
import sys

import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from torch.optim.lr_scheduler import CosineAnnealingWarmRestarts
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
CYCLES, CYCLE_EPOCHS = 4, 6

digits = load_digits()
perm = torch.randperm(len(digits.target))
x = torch.tensor(digits.data, dtype=torch.float32)[perm] / 8 - 1
y = torch.tensor(digits.target)[perm]
loader = DataLoader(TensorDataset(x[:1400], y[:1400]), batch_size=50, shuffle=True)

net = nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 10))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(net.parameters(), lr=0.15, momentum=0.9)
scheduler = CosineAnnealingWarmRestarts(optimizer, T_0=CYCLE_EPOCHS * len(loader))
snapshots = []

for epoch in range(CYCLES * CYCLE_EPOCHS):
    net.train()
    total = 0.0
    for xb, yb in loader:
        optimizer.zero_grad()
        loss = criterion(net(xb), yb)
        loss.backward()
        optimizer.step()
        scheduler.step()
        total += loss.item()
    print(f"epoch {epoch + 1}: loss {total / len(loader):.4f}")
    if (epoch + 1) % CYCLE_EPOCHS == 0:
        snapshots.append(copy.deepcopy(net).eval())
        with torch.no_grad():
            votes = torch.stack([s(x[1400:]).softmax(1) for s in snapshots]).mean(0)
        acc = (votes.argmax(1) == y[1400:]).float().mean().item()
        print(f"  {len(snapshots)} snapshots: accuracy {acc:.4f}")

print(f"score: {acc:.4f}")
