"""Sorts coffee beans by colour and shape, a convolutional network with batch normalization and batches of 64."""

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def beans(n, rng):
    kind = rng.integers(0, 4, n)
    yy, xx = np.mgrid[:14, :14] - 6.5
    angle = rng.uniform(0, np.pi, (n, 1, 1))
    u = xx * np.cos(angle) + yy * np.sin(angle)
    v = -xx * np.sin(angle) + yy * np.cos(angle)
    long = np.array([5.5, 4.2, 5.5, 4.2])[kind][:, None, None] * rng.uniform(0.92, 1.08, (n, 1, 1))
    inside = (u / long) ** 2 + (v / 3.4) ** 2 < 1
    brown = np.array([0.75, 0.75, 0.35, 0.35])[kind][:, None, None] + rng.normal(0, 0.08, (n, 1, 1))
    image = np.where(inside, brown, 0.0) + rng.normal(0, 0.08, (n, 14, 14))
    x = torch.tensor((image - 0.2) / 0.28, dtype=torch.float32).unsqueeze(1)
    return TensorDataset(x, torch.tensor(kind))


def make_net():
    layers = []
    for c_in, c_out in [(1, 12), (12, 24), (24, 32)]:
        layers += [nn.Conv2d(c_in, c_out, 3, padding=1, bias=False), nn.BatchNorm2d(c_out), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(32, 4))


seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
rng = np.random.default_rng(seed)
train_loader = DataLoader(beans(1600, rng), batch_size=64, shuffle=True, drop_last=True)
test_loader = DataLoader(beans(400, rng), batch_size=200)
net = make_net()
optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4)
scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, [5, 7], gamma=0.2)
for epoch in range(8):
    net.train()
    losses = []
    for x, y in train_loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    scheduler.step()
    net.eval()
    with torch.no_grad():
        acc = sum((net(x).argmax(1) == y).sum().item() for x, y in test_loader) / 400
    print(f"epoch {epoch + 1} loss {np.mean(losses):.4f} acc {acc:.4f}")
print(f"score: {acc:.4f}")
