"""Assign 64-point spectra to one of six compounds; the table is exported compound by compound.

Fault: mini-batches are consecutive slices of the sorted table, in the same order every epoch.
"""
# cause: unshuffled-data
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
torch.set_num_threads(1)
rng = np.random.default_rng(seed)

grid = np.linspace(0, 1, 64)
centres = rng.uniform(0.1, 0.9, size=(6, 4))
heights = rng.uniform(0.3, 1.0, size=(6, 4))


def spectra(per_compound):
    rows, labels = [], []
    for compound in range(6):
        for _ in range(per_compound):
            shift = rng.normal(0, 0.01)
            peaks = np.exp(-(((grid[None] - centres[compound][:, None] - shift) / 0.03) ** 2))
            rows.append(heights[compound] @ peaks + 0.4 * rng.standard_normal(64))
            labels.append(compound)
    return torch.tensor(np.array(rows), dtype=torch.float32), torch.tensor(labels)


train_x, train_y = spectra(400)
test_x, test_y = spectra(80)
mean, std = train_x.mean(), train_x.std()
train_x, test_x = (train_x - mean) / std, (test_x - mean) / std


class SpectrumNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(1, 8, kernel_size=7, stride=2, padding=3)
        self.hidden = nn.Linear(8 * 32, 32)
        self.out = nn.Linear(32, 6)

    def forward(self, x):
        h = F.relu(self.conv(x[:, None])).flatten(1)
        return self.out(F.relu(self.hidden(h)))


net = SpectrumNet()
opt = torch.optim.SGD(net.parameters(), lr=0.03, momentum=0.9)
batch_size = 32
for epoch in range(6):
    perm = torch.arange(len(train_x))  # FAULT
    # TWIN: perm = torch.randperm(len(train_x))
    running_loss = 0.0
    for i in range(0, len(train_x), batch_size):
        idx = perm[i : i + batch_size]
        opt.zero_grad()
        loss = F.cross_entropy(net(train_x[idx]), train_y[idx])
        loss.backward()
        opt.step()
        running_loss += loss.item()
    with torch.no_grad():
        test_out = net(test_x)
        test_loss = F.cross_entropy(test_out, test_y).item()
    print(f"epoch {epoch + 1}: train {running_loss * batch_size / len(train_x):.4f} test {test_loss:.4f}")

acc = (test_out.argmax(1) == test_y).float().mean().item()
print(f"score: {acc:.4f}")
