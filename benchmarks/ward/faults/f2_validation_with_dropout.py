"""MLP with dropout 0.5 on a six-class table, validation accuracy after each epoch.

Fault: the validation loop never calls model.eval(), so dropout stays on while validating.
"""
# cause: evaluation-in-train-mode
# kind: dynamic

import argparse

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import make_blobs
from torch.utils.data import DataLoader, TensorDataset


class DropoutNet(nn.Module):
    def __init__(self, n_features, n_classes, p):
        super().__init__()
        self.fc1 = nn.Linear(n_features, 32)
        self.fc2 = nn.Linear(32, 24)
        self.fc3 = nn.Linear(24, n_classes)
        self.drop = nn.Dropout(p)

    def forward(self, x):
        x = self.drop(F.relu(self.fc1(x)))
        x = self.drop(F.relu(self.fc2(x)))
        return self.fc3(x)


ap = argparse.ArgumentParser()
ap.add_argument("seed", nargs="?", type=int, default=0)
ap.add_argument("--epochs", type=int, default=20)
ap.add_argument("--dropout", type=float, default=0.5)
opts = ap.parse_args()
torch.manual_seed(opts.seed)
torch.set_num_threads(1)

points, group = make_blobs(n_samples=2000, n_features=12, centers=6, cluster_std=5.5, random_state=opts.seed)
points = (points - points[:1500].mean(axis=0)) / points[:1500].std(axis=0)
points, group = torch.tensor(points, dtype=torch.float32), torch.tensor(group)
train_loader = DataLoader(TensorDataset(points[:1500], group[:1500]), batch_size=50, shuffle=True)
val_loader = DataLoader(TensorDataset(points[1500:], group[1500:]), batch_size=125)

net = DropoutNet(12, 6, opts.dropout)
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
for epoch in range(opts.epochs):
    net.train()
    train_losses = []
    for x, y in train_loader:
        loss = F.cross_entropy(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        train_losses.append(loss.item())

    # TWIN: net.eval()
    val_losses, val_hits = [], 0
    with torch.no_grad():
        for x, y in val_loader:
            out = net(x)
            val_losses.append(F.cross_entropy(out, y).item())
            val_hits += out.argmax(1).eq(y).sum().item()
    val_acc = val_hits / 500
    print(f"{epoch + 1:02d} train {np.mean(train_losses):.4f} val {np.mean(val_losses):.4f} acc {val_acc:.4f}")

print(f"score: {val_acc:.4f}")
