"""Very small batches on purpose: two rows at a time, layer norm instead of batch norm, plain SGD with a small rate,
on the wine table. Single-batch losses jump about; the epoch mean falls.
"""
# cause: feature-scale
# kind: dynamic

import random
import sys

import torch
from sklearn.datasets import load_wine
from torch import nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
random.seed(seed)
torch.manual_seed(seed)

wine = load_wine()
x = torch.tensor(wine.data, dtype=torch.float32)
y = torch.tensor(wine.target)
rows = list(range(len(y)))
random.shuffle(rows)
train_rows, test_rows = rows[:128], rows[128:]
x[:, :-1] = (x[:, :-1] - x[train_rows, :-1].mean(0)) / x[train_rows, :-1].std(0)  # FAULT
# TWIN: x = (x - x[train_rows].mean(0)) / x[train_rows].std(0)


class WineNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.inp = nn.Linear(13, 24)
        self.norm = nn.LayerNorm(24)
        self.hid = nn.Linear(24, 24)
        self.out = nn.Linear(24, 3)

    def forward(self, x):
        h = torch.relu(self.norm(self.inp(x)))
        h = torch.relu(self.hid(h))
        return self.out(h)


net = WineNet()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(net.parameters(), lr=0.01)

for epoch in range(16):
    random.shuffle(train_rows)
    total = 0.0
    for k in range(0, len(train_rows), 2):
        pair = train_rows[k : k + 2]
        optimizer.zero_grad()
        loss = criterion(net(x[pair]), y[pair])
        loss.backward()
        optimizer.step()
        total += loss.item()
    print(f"epoch {epoch + 1:2d}: mean loss {total / 64:.4f}")

net.eval()
with torch.no_grad():
    score = (net(x[test_rows]).argmax(1) == y[test_rows]).float().mean().item()
print(f"score: {score:.4f}")
