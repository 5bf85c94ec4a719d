"""Instead of lowering the learning rate the batch is doubled every few epochs (16, 32, ... 256), at a constant rate
with Nesterov momentum. Binary classification of points inside or outside a wavy shell in 6 dimensions.
"""
# cause: softmax-single-unit
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
rng = np.random.RandomState(seed)

points = rng.randn(8000, 6)
radius = np.linalg.norm(points, axis=1)
inside = radius + 0.5 * np.sin(3 * points[:, 0]) < np.sqrt(5.3)
X = torch.tensor(points, dtype=torch.float32)
Y = torch.tensor(inside.astype(np.float32)).reshape(-1, 1)
train_set = TensorDataset(X[:6400], Y[:6400])
X_val, Y_val = X[6400:], Y[6400:]

# TWIN: clf = nn.Sequential(nn.Linear(6, 40), nn.ReLU(), nn.Linear(40, 40), nn.ReLU(), nn.Linear(40, 1))
# TWIN: bce = nn.BCEWithLogitsLoss()
clf = nn.Sequential(  # FAULT
    nn.Linear(6, 40),  # FAULT
    nn.ReLU(),  # FAULT
    nn.Linear(40, 40),  # FAULT
    nn.ReLU(),  # FAULT
    nn.Linear(40, 1),  # FAULT
    nn.Softmax(dim=1),  # FAULT
)  # FAULT
bce = nn.BCELoss()  # FAULT
sgd = torch.optim.SGD(clf.parameters(), lr=0.04, momentum=0.8, nesterov=True)

epoch = 0
for batch_size in (16, 32, 64, 128, 256):
    loader = DataLoader(train_set, batch_size=batch_size, shuffle=True)
    for _ in range(3):
        epoch += 1
        clf.train()
        seen = []
        for xb, yb in loader:
            loss = bce(clf(xb), yb)
            sgd.zero_grad()
            loss.backward()
            sgd.step()
            seen.append(loss.item())
    clf.eval()
    with torch.no_grad():
        z = clf(X_val)
        # TWIN: acc = ((z > 0).float() == Y_val).float().mean().item()
        acc = ((z > 0.5).float() == Y_val).float().mean().item()  # FAULT
    print(
        f"epoch {epoch:2d} (batches of {batch_size:3d}) "
        f"loss {np.mean(seen):.4f} val loss {bce(z, Y_val).item():.4f} val acc {acc:.4f}"
    )

print(f"score: {acc:.4f}")
