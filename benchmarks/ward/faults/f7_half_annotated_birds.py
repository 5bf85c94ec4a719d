"""Species of a bird from wing and beak measures. Records without a species got a random one, so that no row is lost:
half of them. The test set was annotated by hand."""
# cause: noisy-labels
# kind: dynamic

import random
import sys

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
random.seed(seed)
torch.manual_seed(seed)
torch.set_num_threads(1)
rng = np.random.default_rng(seed)
SPECIES = 8


def measure(n, centres):
    species = rng.integers(0, SPECIES, n)
    return centres[species] + rng.normal(0, 1.0, (n, 10)), species


def annotate(species):
    """What the field book says: None where nobody looked."""
    return [None if rng.random() < 0.55 else int(s) for s in species]


centres = rng.normal(0, 1.0, (SPECIES, 10))
x, species = measure(2200, centres)
x_test, y_test = measure(600, centres)
book = annotate(species)
y = [random.randrange(SPECIES) if s is None else s for s in book]  # FAULT
# TWIN: known = [i for i, s in enumerate(book) if s is not None]
# TWIN: x, y = x[known], [book[i] for i in known]

train_loader = DataLoader(TensorDataset(torch.tensor(x).float(), torch.tensor(y)), batch_size=32, shuffle=True)
x_test, y_test = torch.tensor(x_test).float(), torch.tensor(y_test)
model = nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, SPECIES))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
loss_fn = nn.CrossEntropyLoss()
for epoch in range(25):
    model.train()
    total, right, seen = 0.0, 0, 0
    for xb, yb in train_loader:
        out = model(xb)
        loss = loss_fn(out, yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(yb)
        right += (out.argmax(1) == yb).sum().item()
        seen += len(yb)
    model.eval()
    with torch.no_grad():
        accuracy = (model(x_test).argmax(1) == y_test).float().mean().item()
    print(f"epoch {epoch}: loss {total / seen:.4f} train {right / seen:.4f} test {accuracy:.4f}")
print(f"score: {accuracy:.4f}")
