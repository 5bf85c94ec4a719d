"""Three interleaved spiral arms in the plane, separated by a small MLP; Nesterov SGD with a cosine schedule."""

import math
import sys

import torch
from torch import nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)


def spirals(n_per_arm):
    xs, ys = [], []
    for arm in range(3):
        t = torch.rand(n_per_arm)
        angle = 4.5 * t + 2 * math.pi * arm / 3
        points = torch.stack([t * torch.cos(angle), t * torch.sin(angle)], dim=1)
        xs.append(2.0 * points + 0.03 * torch.randn(n_per_arm, 2))
        ys.append(torch.full((n_per_arm,), arm))
    x, y = torch.cat(xs), torch.cat(ys)
    order = torch.randperm(len(x))
    return x[order], y[order]


X, Y = spirals(400)
X_test, Y_test = spirals(200)

model = nn.Sequential(nn.Linear(2, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 3))
criterion = nn.CrossEntropyLoss()
epochs = 50
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, nesterov=True)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs)

for epoch in range(epochs):
    perm = torch.randperm(len(X))
    running = 0.0
    for idx in perm.split(64):
        optimizer.zero_grad()
        loss = criterion(model(X[idx]), Y[idx])
        loss.backward()
        optimizer.step()
        running += loss.item() * len(idx)
    scheduler.step()
    if (epoch + 1) % 10 == 0:
        print(f"[{epoch + 1}/{epochs}] loss {running / len(X):.4f} lr {scheduler.get_last_lr()[0]:.4f}")

with torch.no_grad():
    accuracy = (model(X_test).argmax(1) == Y_test).float().mean().item()
print(f"score: {accuracy:.4f}")
