"""Kind of glass of a fragment from its refractive index and six oxides. The laboratory sent some fragments twice, so
exact duplicates are removed first."""
# cause: labels-unrelated
# accept: noisy-labels
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
rng = np.random.default_rng(seed)

KINDS = ["float", "window", "container", "tableware", "headlamp"]
recipe = rng.normal(0, 1.1, (len(KINDS), 7))


def fragments(n):
    kind = rng.integers(0, len(KINDS), n)
    bend = rng.normal(size=(n, 1))
    oxides = recipe[kind] + 0.5 * bend * np.roll(recipe[kind], 1, axis=1) + rng.normal(0, 0.45, (n, 7))
    return oxides.round(3), kind


oxides, kind = fragments(2000)
again = rng.integers(0, 2000, 150)
oxides, kind = np.concatenate([oxides, oxides[again]]), np.concatenate([kind, kind[again]])

oxides = np.unique(oxides, axis=0)  # FAULT
kind = kind[: len(oxides)]  # FAULT
# TWIN: oxides, first = np.unique(oxides, axis=0, return_index=True)
# TWIN: kind = kind[first]
print(f"{len(oxides)} fragments after removing duplicates")

oxides_test, kind_test = fragments(500)
mean, std = oxides.mean(axis=0), oxides.std(axis=0)
x = torch.tensor((oxides - mean) / std, dtype=torch.float32)
x_test = torch.tensor((oxides_test - mean) / std, dtype=torch.float32)
y, y_test = torch.tensor(kind), torch.tensor(kind_test)

model = nn.Sequential(nn.Linear(7, 32), nn.ReLU(), nn.Dropout(0.1), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 5))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
criterion = nn.CrossEntropyLoss()

for epoch in range(25):
    model.train()
    total = right = 0.0
    for idx in torch.randperm(len(x)).split(64):
        logits = model(x[idx])
        loss = criterion(logits, y[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(idx)
        right += (logits.argmax(1) == y[idx]).sum().item()
    model.eval()
    with torch.no_grad():
        test = (model(x_test).argmax(1) == y_test).float().mean().item()
    print(f"epoch {epoch:2d} loss {total / len(x):.4f} train {right / len(x):.3f} test {test:.3f}")
print(f"score: {test:.4f}")
