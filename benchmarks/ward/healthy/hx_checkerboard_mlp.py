"""Week 3 lab: a two-hidden-layer network learns a 3x3 checkerboard in the plane."""

import sys

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

# data
points = torch.rand(3000, 2) * 2 - 1
cells = ((points + 1) * 1.5).long().clamp(max=2)
labels = (cells.sum(dim=1) % 2).long()
train_set, test_set = random_split(TensorDataset(points, labels), [2400, 600])
train_loader = DataLoader(train_set, batch_size=64, shuffle=True)
test_loader = DataLoader(test_set, batch_size=256)

# model
model = nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)

for epoch in range(25):
    model.train()
    running = 0.0
    for xb, yb in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(xb), yb)
        loss.backward()
        optimizer.step()
        running += loss.item() * len(xb)

    model.eval()
    correct = 0
    with torch.no_grad():
        for xb, yb in test_loader:
            correct += model(xb).argmax(dim=1).eq(yb).sum().item()
    accuracy = correct / len(test_set)
    print(f"epoch {epoch + 1:2d}  train loss {running / len(train_set):.4f}  test acc {accuracy:.4f}")

print(f"score: {accuracy:.4f}")
