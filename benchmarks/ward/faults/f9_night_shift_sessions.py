"""Sleep stage from half-minute windows of two electrodes. The recordings are stored one stage after the other, and the
loader reads them as they are stored."""
# cause: unshuffled-data
# kind: dynamic

import argparse

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("seed", type=int, nargs="?", default=0)
parser.add_argument("--epochs", type=int, default=10)
args = parser.parse_args()


def windows(n, rng):
    """Sorted by stage, as the archive has them."""
    stage = np.sort(rng.integers(0, 4, n))
    t = np.arange(48) / 48
    band = np.array([2, 5, 9, 14])[stage] + rng.normal(0, 0.8, n)
    wave = np.sin(2 * np.pi * (band[:, None] * t + rng.random((n, 1))))
    left = wave + rng.normal(0, 0.9, (n, 48))
    right = 0.6 * wave + rng.normal(0, 0.9, (n, 48))
    return torch.tensor(np.stack([left, right], 1), dtype=torch.float32), torch.tensor(stage)


class SleepNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv1d(2, 16, 9, padding=4),
            nn.GroupNorm(4, 16),
            nn.ReLU(),
            nn.Conv1d(16, 16, 7, stride=2, padding=3),
            nn.ReLU(),
        )
        self.stage = nn.Linear(16, 4)

    def forward(self, x):
        return self.stage(self.conv(x).mean(dim=2))


torch.set_num_threads(1)
torch.manual_seed(args.seed)
rng = np.random.default_rng(args.seed)
train_set = TensorDataset(*windows(2000, rng))
x_val, y_val = windows(500, rng)
loader = DataLoader(train_set, batch_size=40)  # FAULT
# TWIN: loader = DataLoader(train_set, batch_size=40, shuffle=True)
model = SleepNet()
optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
criterion = nn.CrossEntropyLoss()
for epoch in range(args.epochs):
    model.train()
    running = 0.0
    for x, y in loader:
        loss = criterion(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        running += loss.item()
    model.eval()
    with torch.no_grad():
        acc = (model(x_val).argmax(1) == y_val).float().mean().item()
    print(f"epoch {epoch + 1}: loss {running / len(loader):.4f}, val acc {acc:.4f}")
print(f"score: {acc:.4f}")
