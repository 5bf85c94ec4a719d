"""Ore grade (three classes) from twenty-four element concentrations. Assays are dear, so the pilot study uses the first
shipment."""
# cause: overfitting
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn

SHIPMENT = 70  # FAULT
# TWIN: SHIPMENT = 6000
EPOCHS = 250  # FAULT
# TWIN: EPOCHS = 5


def assays(n, rng):
    x = rng.normal(size=(n, 24))
    value = x[:, :6] @ np.array([0.9, -0.7, 0.5, 0.8, -0.6, 0.4]) + 0.5 * x[:, 6] * x[:, 7] + rng.normal(0, 0.4, n)
    return torch.tensor(x, dtype=torch.float32), torch.tensor(np.digitize(value, [-0.7, 0.7]))


def build(width=128):
    return nn.Sequential(nn.Linear(24, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 3))


def evaluate(model, x, y, criterion):
    with torch.no_grad():
        out = model(x)
    return criterion(out, y).item(), (out.argmax(1) == y).float().mean().item()


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    x, y = assays(SHIPMENT, rng)
    x_val, y_val = assays(600, rng)
    model = build()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(EPOCHS):
        model.train()
        for idx in torch.randperm(len(x)).split(32):
            optimizer.zero_grad()
            loss = criterion(model(x[idx]), y[idx])
            loss.backward()
            optimizer.step()
        model.eval()
        train_loss, train_acc = evaluate(model, x, y, criterion)
        val_loss, val_acc = evaluate(model, x_val, y_val, criterion)
        if epoch % max(EPOCHS // 10, 1) == 0:
            print(f"{epoch} train {train_loss:.3f} ({train_acc:.3f}) val {val_loss:.3f} ({val_acc:.3f})")
    print(f"score: {-val_loss:.4f}")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
