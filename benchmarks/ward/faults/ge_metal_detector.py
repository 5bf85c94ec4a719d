"""Coins, nails, foil and bare ground from the sweep of a metal detector: two convolutions over the signal."""
# cause: unscaled-inputs
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn

config = {"length": 64, "train": 1600, "test": 500, "batch": 40, "epochs": 8, "lr": 0.02, "momentum": 0.9}


def sweep(count, rng):
    kind = rng.integers(0, 4, count)
    t = np.arange(config["length"])
    centre = rng.uniform(20, 44, (count, 1))
    width = rng.uniform(3, 5, (count, 1))
    u = (t - centre) / width
    coin = np.exp(-(u**2) / 2)
    nail = -u * np.exp(-(u**2) / 2) * 1.5
    foil = 0.8 * np.exp(-((u / 2.5) ** 4))
    signal = np.choose(kind[:, None], [coin, nail, foil, np.zeros_like(u)])
    signal = signal * rng.uniform(0.8, 1.6, (count, 1)) + rng.normal(0, 0.2, signal.shape)
    signal = signal + 0.1 * rng.normal(size=(count, 1))
    return torch.tensor(np.round(127 * signal), dtype=torch.float32).unsqueeze(1), torch.tensor(kind)  # FAULT
    # TWIN: return torch.tensor(signal / 0.45, dtype=torch.float32).unsqueeze(1), torch.tensor(kind)


def build():
    return nn.Sequential(
        nn.Conv1d(1, 16, 7, padding=3),
        nn.ReLU(),
        nn.MaxPool1d(4),
        nn.Conv1d(16, 24, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool1d(4),
        nn.Flatten(),
        nn.Linear(24 * 4, 32),
        nn.ReLU(),
        nn.Linear(32, 4),
    )


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    (x, y), (test_x, test_y) = sweep(config["train"], rng), sweep(config["test"], rng)
    model = build()
    optimizer = torch.optim.SGD(model.parameters(), lr=config["lr"], momentum=config["momentum"])
    for epoch in range(config["epochs"]):
        order = torch.randperm(len(x))
        total = 0.0
        for start in range(0, len(x), config["batch"]):
            rows = order[start : start + config["batch"]]
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows) / len(x)
        with torch.no_grad():
            accuracy = (model(test_x).argmax(1) == test_y).float().mean().item()
        print(f"epoch {epoch + 1}: loss {total:.4f} accuracy {accuracy:.4f}")
    print(f"score: {accuracy:.4f}")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
