"""Semiconductor fab: classify 16 x 16 wafer defect maps (random, centre, edge ring, scratch, quarter) with a plain
CNN.
"""

import sys

import numpy as np
import torch
from torch import nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
rng = np.random.RandomState(seed)

PATTERNS = ("random", "centre", "edge_ring", "scratch", "quarter")
row, col = np.mgrid[-1:1:16j, -1:1:16j]
radius, angle = np.hypot(row, col), np.arctan2(row, col)
ON_WAFER = radius <= 1.0


def wafer(kind):
    p = np.full((16, 16), rng.uniform(0.03, 0.12))
    if kind == 1:
        p[radius < rng.uniform(0.35, 0.55)] += 0.5
    elif kind == 2:
        p[radius > rng.uniform(0.7, 0.8)] += 0.5
    elif kind == 3:
        theta, offset = rng.uniform(0, np.pi), rng.uniform(-0.5, 0.5)
        p[np.abs(row * np.cos(theta) + col * np.sin(theta) - offset) < 0.1] += 0.7
    elif kind == 4:
        turn = rng.uniform(-np.pi, np.pi)
        p[np.cos(angle - turn) > 0.7] += 0.5
    die_fails = rng.rand(16, 16) < p
    return np.where(ON_WAFER, np.where(die_fails, 1.0, -0.3), 0.0)


kinds = rng.randint(0, 5, 1800)
maps = torch.tensor(np.stack([wafer(k) for k in kinds]), dtype=torch.float32)[:, None]
kinds = torch.tensor(kinds)
X_train, X_val, X_test = maps[:1200], maps[1200:1400], maps[1400:]
y_train, y_val, y_test = kinds[:1200], kinds[1200:1400], kinds[1400:]


def block(cin, cout):
    return nn.Sequential(
        nn.Conv2d(cin, cout, 3, padding=1, bias=False), nn.BatchNorm2d(cout), nn.ReLU(), nn.MaxPool2d(2)
    )


model = nn.Sequential(block(1, 12), block(12, 24), nn.Flatten(), nn.Linear(24 * 16, 5))
optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9, weight_decay=5e-4, nesterov=True)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=10)
loss_fn = nn.CrossEntropyLoss()

for epoch in range(10):
    model.train()
    perm = torch.randperm(1200)
    for i in range(0, 1200, 40):
        x, y = X_train[perm[i : i + 40]], y_train[perm[i : i + 40]]
        quarter_turns = int(rng.randint(4))
        x = torch.rot90(x, quarter_turns, dims=(2, 3))
        optimizer.zero_grad()
        loss = loss_fn(model(x), y)
        loss.backward()
        optimizer.step()
    scheduler.step()
    model.eval()
    with torch.no_grad():
        val_out = model(X_val)
        val_loss = loss_fn(val_out, y_val).item()
        val_acc = (val_out.argmax(1) == y_val).float().mean().item()
    print(f"Epoch {epoch + 1}/10 - loss: {loss.item():.4f} - val_loss: {val_loss:.4f} - val_acc: {val_acc:.4f}")

with torch.no_grad():
    pred = model(X_test).argmax(1)
confusion = torch.zeros(5, 5, dtype=torch.long)
for true, guess in zip(y_test, pred):
    confusion[true, guess] += 1
for name, counts in zip(PATTERNS, confusion.tolist()):
    print(f"{name:>10s}", counts)
print(f"score: {(pred == y_test).float().mean().item():.4f}")
