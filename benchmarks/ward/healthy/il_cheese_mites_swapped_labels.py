"""Three cheese mites from 16 measurements; a third of the training labels were swapped by a tired assistant. The
training loss stays high, as it must; the held-out labels were checked by the professor."""

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
rng = np.random.default_rng(seed)

centres = rng.normal(size=(6, 16))


def mites(count, swapped):
    group = rng.integers(0, 6, count)
    x = centres[group] + rng.normal(0, 0.8, (count, 16))
    label = group % 3
    swap = rng.random(count) < swapped
    label = np.where(swap, (label + rng.integers(1, 3, count)) % 3, label)
    return torch.tensor(x, dtype=torch.float32), torch.tensor(label)


train_x, train_y = mites(8000, swapped=1 / 3)
test_x, test_y = mites(1500, swapped=0.0)
mean, std = train_x.mean(0), train_x.std(0)
train_x, test_x = (train_x - mean) / std, (test_x - mean) / std

model = nn.Sequential(nn.Linear(16, 24), nn.ReLU(), nn.Linear(24, 3))
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.02)
loader = DataLoader(TensorDataset(train_x, train_y), batch_size=128, shuffle=True)
for epoch in range(8):
    total = 0.0
    for x, y in loader:
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    with torch.no_grad():
        accuracy = (model(test_x).argmax(1) == test_y).float().mean().item()
    print(f"epoch {epoch + 1} noisy training loss {total / len(loader):.4f} checked accuracy {accuracy:.4f}")
print(f"score: {accuracy:.4f}")
