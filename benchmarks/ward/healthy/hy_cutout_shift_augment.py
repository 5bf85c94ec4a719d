"""Digits with random shifts and cut-out squares; training is harder than testing, so the training loss stays above the
test loss to the end."""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits


def augment(x):
    out = torch.zeros_like(x)
    for i in range(len(x)):
        dy, dx = torch.randint(-1, 2, (2,)).tolist()
        out[i] = torch.roll(x[i], (dy, dx), dims=(1, 2))
        top, left = torch.randint(0, 7, (2,)).tolist()
        out[i, :, top : top + 2, left : left + 2] = 0
    return out


def build():
    return nn.Sequential(
        nn.Conv2d(1, 24, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(24, 48, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(192, 10),
    )  # fmt: skip


seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
digits = load_digits()
x = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 16
y = torch.tensor(digits.target)
order = torch.randperm(len(y))
train, test = order[:1400], order[1400:]
net = build()
optimizer = torch.optim.AdamW(net.parameters(), lr=4e-3)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=12)
for epoch in range(12):
    net.train()
    losses = []
    for idx in train[torch.randperm(len(train))].split(50):
        loss = F.cross_entropy(net(augment(x[idx])), y[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    scheduler.step()
    net.eval()
    with torch.no_grad():
        out = net(x[test])
    accuracy = (out.argmax(1) == y[test]).float().mean().item()
    train_loss, test_loss = sum(losses) / len(losses), F.cross_entropy(out, y[test]).item()
    print(f"epoch {epoch + 1} train {train_loss:.4f} test {test_loss:.4f} accuracy {accuracy:.4f}")
print(f"score: {accuracy:.4f}")
