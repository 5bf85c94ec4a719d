"""Grade of tea from nine readings of an nose. So that runs are comparable between machines, all weights start
from fixed values instead of random ones."""
# cause: symmetric-initialization
# accept: bad-initialization
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn


def readings(n, rng):
    x = rng.normal(size=(n, 9))
    inner = np.stack([x[:, 0] * x[:, 1], np.sin(2 * x[:, 2]) + x[:, 3], np.abs(x[:, 4]) - x[:, 5], x[:, 6] * x[:, 7]])
    grade = (inner + 0.15 * rng.normal(size=inner.shape)).argmax(axis=0)
    return torch.tensor(x, dtype=torch.float32), torch.tensor(grade)


def fixed_start(module):
    if isinstance(module, nn.Linear):
        nn.init.constant_(module.weight, 1 / module.in_features)  # FAULT
        # TWIN: nn.init.xavier_normal_(module.weight)
        nn.init.zeros_(module.bias)


class Nose(nn.Module):
    def __init__(self, hidden=64):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(9, hidden), nn.ELU(), nn.Linear(hidden, hidden), nn.ELU(), nn.Linear(hidden, 4)
        )
        self.layers.apply(fixed_start)

    def forward(self, x):
        return self.layers(x)


torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
rng = np.random.default_rng(seed)
x, y = readings(4000, rng)
x_val, y_val = readings(800, rng)
nose = Nose()
optimizer = torch.optim.Adam(nose.parameters(), lr=4e-3)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=10, gamma=0.3)
criterion = nn.CrossEntropyLoss()
for epoch in range(20):
    total = 0.0
    for idx in torch.randperm(len(x)).split(100):
        loss = criterion(nose(x[idx]), y[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(idx)
    scheduler.step()
    with torch.no_grad():
        acc = (nose(x_val).argmax(1) == y_val).float().mean().item()
    print(f"epoch {epoch:2d} loss {total / len(x):.4f} val acc {acc:.4f}")
print(f"score: {acc:.4f}")
