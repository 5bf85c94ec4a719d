"""Rowing form as one of four grades from sixteen measures of a stroke.

The rower's sensors are jittery, so the activation lets small values through as nothing: a threshold in place of a
plain rectifier, which a colleague had used with good effect on the raw signal.
"""
# cause: dead-units
# kind: dynamic

import argparse

import numpy as np
import torch
from torch import nn

MEASURES, GRADES = 16, 4


def strokes(n, rng, directions):
    x = rng.normal(size=(n, MEASURES))
    bent = np.sin(1.2 * x @ directions[0]) + (x @ directions[1]) * (x @ directions[2])
    bent = bent + rng.normal(0, 0.08, n)
    return x.astype(np.float32), bent


def activation():
    return nn.Threshold(2.0, 0.0)  # FAULT
    # TWIN: return nn.ReLU()


def build(width=128):
    return nn.Sequential(
        nn.Linear(MEASURES, width),
        activation(),
        nn.Linear(width, width),
        activation(),
        nn.Linear(width, GRADES),
    )


def batches(x, y, size, rng):
    order = rng.permutation(len(x))
    for start in range(0, len(order), size):
        rows = order[start : start + size]
        yield x[rows], y[rows]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seed", type=int, nargs="?", default=0)
    parser.add_argument("--epochs", type=int, default=16)
    parser.add_argument("--rate", type=float, default=2e-3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(options.seed)
    rng = np.random.default_rng(options.seed)

    directions = np.linalg.qr(rng.normal(size=(MEASURES, 3)))[0].T
    x, bent = strokes(9000, rng, directions)
    grade = np.digitize(bent, np.quantile(bent[:8000], [0.25, 0.5, 0.75]))
    x, grade = torch.from_numpy(x), torch.from_numpy(grade)
    x_train, x_test, y_train, y_test = x[:8000], x[8000:], grade[:8000], grade[8000:]

    net = build()
    optimizer = torch.optim.AdamW(net.parameters(), lr=options.rate, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, options.epochs)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(1, options.epochs + 1):
        net.train()
        losses = []
        for xb, yb in batches(x_train, y_train, 64, rng):
            loss = criterion(net(xb), yb)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        schedule.step()
        net.eval()
        with torch.no_grad():
            right = (net(x_test).argmax(1) == y_test).float().mean().item()
        print(f"epoch {epoch} loss {np.mean(losses):.4f} test accuracy {right:.4f}")
    print(f"score: {right:.4f}")


main()
