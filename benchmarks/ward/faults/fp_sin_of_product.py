"""Fits y = sin(a * b) with a stack of linear layers and L1 loss; I have the same network in TensorFlow and compare.

After https://github.com/pytorch/pytorch/issues/63546
"""
# cause: broadcast-loss
# kind: dynamic

import sys

import torch
import torch.nn as nn
from torch.utils.data import DataLoader


def make_points(count):
    data = torch.randn(count, 2)
    y = torch.sin(data[:, 0] * data[:, 1]).unsqueeze(1)
    return torch.cat([data, y], dim=1)


def test_torch(epochs=15):
    data = make_points(8000)
    held_out = make_points(2000)

    model = nn.Sequential(
        nn.Linear(2, 100),
        nn.ReLU(),
        nn.Linear(100, 100),
        nn.ReLU(),
        nn.Linear(100, 100),
        nn.ReLU(),
        nn.Linear(100, 100),
        nn.ReLU(),
        nn.Linear(100, 1),
    )
    for p in model.parameters():
        print(p.shape, p.requires_grad)

    criterion = nn.L1Loss()
    opt = torch.optim.Adam(model.parameters(), 0.001)

    dl = DataLoader(data, batch_size=200, shuffle=True)
    for epoch in range(epochs):
        for d in dl:
            pred = model(d[:, :2])
            loss = criterion(pred, d[:, 2])  # FAULT
            # TWIN: loss = criterion(pred, d[:, 2:])
            opt.zero_grad()
            loss.backward()
            opt.step()
        print(f"epoch:[{epoch}], loss: {loss.item():.4f}")

    with torch.no_grad():
        guess = model(held_out[:, :2])[:, 0]
    truth = held_out[:, 2]
    mae = (guess - truth).abs().mean().item()
    r2 = 1 - ((guess - truth) ** 2).sum() / ((truth - truth.mean()) ** 2).sum()
    print(f"held-out mean absolute error: {mae:.4f}")
    return r2.item()


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    r2 = test_torch()
    print(f"score: {r2:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
