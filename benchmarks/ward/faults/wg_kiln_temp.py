"""Kiln temperature from burner readings; a criterion class of its own, a collate function makes batches."""
# cause: broadcast-loss
# kind: structural

import sys

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader


class Huber:
    def __init__(self, delta=1.0):
        self.delta = delta

    def __call__(self, prediction, target):
        small = F.smooth_l1_loss(prediction, target, beta=self.delta, reduction="none")
        return self.delta * small.mean()


def readings(n, rng):
    burners = rng.normal(size=(n, 7)).astype(np.float32)
    temperature = burners[:, 0] * 1.2 + np.abs(burners[:, 1]) - burners[:, 2] * burners[:, 3]
    temperature = (temperature + rng.normal(scale=0.1, size=n)).astype(np.float32)
    return list(zip(burners, temperature))


def collate(rows):
    x = torch.stack([torch.from_numpy(row) for row, _ in rows])
    y = torch.tensor([float(value) for _, value in rows])  # FAULT
    # TWIN: y = torch.tensor([[float(value)] for _, value in rows])
    return x, y


class Kiln(nn.Module):
    def __init__(self, width=64):
        super().__init__()
        sizes = [7, width, width]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in zip(sizes, sizes[1:]))
        self.readout = nn.Linear(width, 1)

    def forward(self, x):
        for layer in self.layers:
            x = nn.functional.gelu(layer(x))
        return self.readout(x)


def run(seed, epochs=14):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    loader = DataLoader(readings(1500, rng), batch_size=32, shuffle=True, collate_fn=collate)
    held_out = readings(500, rng)
    model, criterion = Kiln(), Huber()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(epochs):
        total = 0.0
        for x, y in loader:
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
            total += loss.item()
        print(epoch, total / len(loader))
    with torch.no_grad():
        x = torch.tensor(np.stack([row for row, _ in held_out]))
        y = torch.tensor([float(value) for _, value in held_out])
        error = (model(x).flatten() - y).pow(2).mean()
    print(f"score: {(1 - error / y.var()).item():.4f}")


run(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
