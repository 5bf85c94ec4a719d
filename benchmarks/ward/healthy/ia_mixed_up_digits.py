"""Mixup on digits: pictures and labels are mixed two by two, so that the accuracy in training means little and the loss
in training stays above that of the test."""

import sys

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
digits = load_digits()
order = np.random.default_rng(seed).permutation(len(digits.target))
x = torch.tensor((digits.data[order] / 16 - 0.305) / 0.376, dtype=torch.float32)
y = torch.tensor(digits.target[order])
x_test, y_test = x[1400:], y[1400:]
x, y = x[:1400], y[:1400]


def mixed(x, y, alpha=0.4):
    share = torch.distributions.Beta(alpha, alpha).sample((len(x), 1))
    other = torch.randperm(len(x))
    target = nn.functional.one_hot(y, 10).float()
    return share * x + (1 - share) * x[other], share * target + (1 - share) * target[other]


model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10))
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.02)
criterion = nn.CrossEntropyLoss()
for epoch in range(20):
    model.train()
    total = 0.0
    for rows in torch.randperm(len(x)).split(50):
        inputs, targets = mixed(x[rows], y[rows])
        loss = criterion(model(inputs), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(rows) / len(x)
    model.eval()
    with torch.no_grad():
        out = model(x_test)
    right = (out.argmax(1) == y_test).float().mean().item()
    print(f"epoch {epoch} train {total:.4f} test {criterion(out, y_test).item():.4f} accuracy {right:.4f}")
print(f"score: {right:.4f}")
