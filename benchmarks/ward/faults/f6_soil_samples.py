"""Seven soil types from 12 laboratory readings; the laboratory's file lists one type after the other.

The training loader goes through the rows in file order (sorted by type) without shuffling.
"""
# cause: unshuffled-data
# kind: dynamic

import sys

import numpy as np
import torch
from sklearn.datasets import make_blobs
from torch import nn
from torch.utils.data import DataLoader, Dataset

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

TYPES = 7


class SoilDataset(Dataset):
    def __init__(self, part):
        centers = np.random.default_rng(100 + seed).normal(0, 1.1, (TYPES, 12))
        per_type = 240 if part == "train" else 60
        readings, types = [], []
        for k in range(TYPES):
            x, _ = make_blobs(
                n_samples=per_type,
                centers=centers[k : k + 1],
                cluster_std=0.8,
                random_state=seed * 50 + 2 * k + (part == "test"),
            )
            readings.append(x / 1.3)
            types += [k] * per_type
        self.x = torch.tensor(np.concatenate(readings), dtype=torch.float32)
        self.y = torch.tensor(types)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return self.x[i], self.y[i]


train_set, test_set = SoilDataset("train"), SoilDataset("test")
train_loader = DataLoader(train_set, batch_size=24)  # FAULT
# TWIN: train_loader = DataLoader(train_set, batch_size=24, shuffle=True)
test_loader = DataLoader(test_set, batch_size=210)

model = nn.Sequential(nn.Linear(12, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, TYPES))
loss_fn = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.8, weight_decay=1e-3)

for epoch in range(6):
    model.train()
    train_loss, train_hits = 0.0, 0
    for x, y in train_loader:
        pred = model(x)
        loss = loss_fn(pred, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        train_loss += loss.item() * len(y)
        train_hits += (pred.argmax(1) == y).sum().item()
    model.eval()
    with torch.no_grad():
        test_hits = sum((model(x).argmax(1) == y).sum().item() for x, y in test_loader)
    n = len(train_set)
    print(f"{epoch + 1:2d} loss {train_loss / n:.4f} train {train_hits / n:.3f} test {test_hits / len(test_set):.3f}")

print(f"score: {test_hits / len(test_set):.4f}")
