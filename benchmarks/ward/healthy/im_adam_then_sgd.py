"""Musical keys from chroma vectors: Adam for a quick start, then plain SGD with momentum takes over the same weights.

The optimizer is made anew half way, on purpose, with another rate; nothing of the first one's state is kept.
"""

import sys

import numpy as np
import torch
from torch import nn

MAJOR = np.array([6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88])
MINOR = np.array([6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17])


def pieces(count, rng):
    """Chroma of a piece: the profile of its key, turned by its tonic, played a little differently every time."""
    keys = rng.integers(0, 24, count)
    profiles = np.stack([np.roll(MAJOR, k) for k in range(12)] + [np.roll(MINOR, k) for k in range(12)])
    chroma = profiles[keys] * rng.gamma(25, 1 / 25, (count, 12))
    chroma = np.log(chroma / chroma.sum(axis=1, keepdims=True))
    return chroma.astype(np.float32), keys


def stage(name, model, optimizer, schedule, x, y, epochs):
    for epoch in range(epochs):
        model.train()
        total = 0.0
        for rows in torch.randperm(len(x)).split(64):
            loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        schedule.step()
        print(f"{name} {epoch + 1}: loss {total / len(x):.4f}")


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    chroma, keys = pieces(5000, rng)
    chroma = (chroma - chroma[:4000].mean(axis=0)) / chroma[:4000].std(axis=0)
    x, y = torch.from_numpy(chroma), torch.from_numpy(keys)
    model = nn.Sequential(nn.Linear(12, 64), nn.ReLU(), nn.Linear(64, 24))

    adam = torch.optim.Adam(model.parameters(), lr=5e-3)
    stage("adam", model, adam, torch.optim.lr_scheduler.ConstantLR(adam, 1.0), x[:4000], y[:4000], epochs=6)
    sgd = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    stage("sgd", model, sgd, torch.optim.lr_scheduler.ExponentialLR(sgd, 0.75), x[:4000], y[:4000], epochs=10)

    model.eval()
    with torch.no_grad():
        accuracy = (model(x[4000:]).argmax(dim=1) == y[4000:]).float().mean().item()
    print(f"score: {accuracy:.4f}")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
