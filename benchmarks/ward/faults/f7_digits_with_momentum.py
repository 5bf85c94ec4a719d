"""Digits with a perceptron and plain SGD, whose large rate was well chosen. Then momentum 0.95 was added, and the rate
stayed; a step is now twenty times as long."""
# cause: learning-rate-too-high
# kind: dynamic

import sys

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn


def batches(x, y, size, rng):
    order = rng.permutation(len(x))
    for start in range(0, len(x), size):
        chosen = order[start : start + size]
        yield x[chosen], y[chosen]


def main(seed):
    rng = np.random.RandomState(seed)
    torch.manual_seed(seed)
    digits = load_digits()
    x = torch.tensor((digits.data - 4.9) / 6.0, dtype=torch.float32)
    y = torch.tensor(digits.target)
    order = rng.permutation(len(x))
    train, test = order[:1400], order[1400:]
    model = nn.Sequential(nn.Linear(64, 100), nn.ReLU(), nn.Linear(100, 100), nn.ReLU(), nn.Linear(100, 10))
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.3, momentum=0.95)  # FAULT
    # TWIN: optimizer = torch.optim.SGD(model.parameters(), lr=0.3 * (1 - 0.95), momentum=0.95)
    history = []
    for epoch in range(25):
        model.train()
        for xb, yb in batches(x[train], y[train], 32, rng):
            loss = criterion(model(xb), yb)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            history.append(loss.item())
        model.eval()
        with torch.no_grad():
            accuracy = (model(x[test]).argmax(1) == y[test]).float().mean().item()
        print(f"epoch {epoch + 1:2d}  loss {np.mean(history[-40:]):8.4f}  accuracy {accuracy:.4f}")
    return accuracy


torch.set_num_threads(1)
print(f"score: {main(int(sys.argv[1]) if len(sys.argv) > 1 else 0):.4f}")
