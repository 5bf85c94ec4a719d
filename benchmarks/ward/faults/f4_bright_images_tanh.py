"""Digits with a tanh network whose first layer is drawn at a deviation of 3, so its units sit at -1 and 1."""
# cause: saturated-units
# accept: bad-initialization
# kind: dynamic

import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)

digits = load_digits()
order = torch.randperm(len(digits.target))
x = torch.tensor(digits.data / 16, dtype=torch.float32)[order]
y = torch.tensor(digits.target)[order]
x_train, y_train, x_test, y_test = x[:1400], y[:1400], x[1400:], y[1400:]

fc1, fc2, fc3 = nn.Linear(64, 32), nn.Linear(32, 32), nn.Linear(32, 10)
for layer in (fc1, fc2):
    nn.init.normal_(layer.weight, std=3.0)  # FAULT
    # TWIN: nn.init.xavier_normal_(layer.weight)
model = nn.Sequential(fc1, nn.Tanh(), fc2, nn.Tanh(), fc3)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.5)
for epoch in range(12):
    total = 0.0
    for idx in torch.randperm(1400).split(35):
        loss = F.cross_entropy(model(x_train[idx]), y_train[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() / 40
    with torch.no_grad():
        acc = model(x_test).argmax(1).eq(y_test).float().mean().item()
    print(f"epoch {epoch + 1:2d} loss {total:.4f} test accuracy {acc:.4f}")
print(f"score: {acc:.4f}")
