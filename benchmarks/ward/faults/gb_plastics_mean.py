"""Sorting plastics by near-infrared spectrum with a high step size and small batches; a shadow copy of the weights, an
exponential mean of them, is what is judged and kept."""
# cause: stale-optimizer
# kind: dynamic

import copy
import sys

import numpy as np
import torch
from torch import nn


class Shadow:
    def __init__(self, model, decay):
        self.model = copy.deepcopy(model).requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def update(self, model):
        for mine, theirs in zip(self.model.parameters(), model.parameters()):
            mine.lerp_(theirs, 1 - self.decay)


def plastics(n, rng, peaks):
    kind = rng.integers(0, 5, n)
    grid = np.linspace(0, 1, 40)
    x = np.exp(-((grid - peaks[kind][:, :, None]) ** 2) / 0.003).sum(1)
    x = x * rng.uniform(0.7, 1.3, (n, 1)) + rng.normal(0, 0.3, (n, 1)) + 0.45 * rng.normal(size=(n, 40))
    return torch.tensor((x - 0.3) / 0.6, dtype=torch.float32), torch.tensor(kind)


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    peaks = rng.uniform(0.1, 0.9, (5, 3))
    x, y = plastics(2500, rng, peaks)
    x_val, y_val = plastics(800, rng, peaks)
    model = nn.Sequential(nn.Linear(40, 48), nn.ReLU(), nn.Linear(48, 5))
    shadow = Shadow(model, decay=0.99)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, weight_decay=1e-3)
    for epoch in range(8):
        model = copy.deepcopy(shadow.model).requires_grad_()  # FAULT
        for idx in torch.randperm(len(x)).split(16):
            loss = nn.functional.cross_entropy(model(x[idx]), y[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            shadow.update(model)
        with torch.no_grad():
            raw = (model(x_val).argmax(1) == y_val).float().mean().item()
            kept = (shadow.model(x_val).argmax(1) == y_val).float().mean().item()
        print(f"epoch {epoch} loss {loss.item():.4f} raw {raw:.4f} shadow {kept:.4f}")
    print(f"score: {kept:.4f}")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
