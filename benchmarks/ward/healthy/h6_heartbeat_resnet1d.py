"""Four kinds of heartbeats in one-second traces (made-up P, QRS and T waves): a small residual 1-D convolutional net,
confusion matrix at the end.
"""

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
rng = np.random.default_rng(seed)
KINDS = ["normal", "no P wave", "wide QRS", "inverted T"]


def beat(kind):
    t = np.linspace(0, 1, 100)
    shift = rng.normal(0, 0.03)

    def wave(centre, width, height):
        height *= rng.normal(1, 0.15)
        return height * np.exp(-(((t - centre - shift) / width) ** 2))

    p = 0.0 if kind == 1 else 0.35
    width = 0.055 if kind == 2 else 0.022
    tw = -0.45 if kind == 3 else 0.45
    trace = wave(0.22, 0.05, p) + wave(0.4, width, 1.6) - wave(0.47, 0.02, 0.3) + wave(0.68, 0.07, tw)
    return trace + 0.15 * np.sin(2 * np.pi * (t * rng.uniform(0.3, 0.8) + rng.random())) + rng.normal(0, 0.08, 100)


y = rng.integers(0, 4, 2000)
x = np.stack([beat(k) for k in y])
x = (x - x.mean(1, keepdims=True)) / x.std(1, keepdims=True)
x, y = torch.tensor(x, dtype=torch.float32).unsqueeze(1), torch.tensor(y)
x_train, y_train, x_test, y_test = x[:1500], y[:1500], x[1500:], y[1500:]


class ResBlock(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv1d(c, c, 5, padding=2, bias=False), nn.BatchNorm1d(c)
        self.conv2, self.bn2 = nn.Conv1d(c, c, 5, padding=2, bias=False), nn.BatchNorm1d(c)

    def forward(self, x):
        h = F.relu(self.bn1(self.conv1(x)))
        return F.relu(x + self.bn2(self.conv2(h)))


model = nn.Sequential(
    nn.Conv1d(1, 16, 7, stride=2, padding=3),
    nn.ReLU(),
    ResBlock(16),
    nn.MaxPool1d(2),
    ResBlock(16),
    nn.AdaptiveAvgPool1d(5),
    nn.Flatten(),
    nn.Linear(80, 4),
)
optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9, weight_decay=1e-3)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 6)
for epoch in range(6):
    model.train()
    train_loss = 0.0
    for idx in torch.randperm(len(x_train)).split(50):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x_train[idx]), y_train[idx])
        loss.backward()
        optimizer.step()
        train_loss += loss.item() / 30
    scheduler.step()
    model.eval()
    with torch.no_grad():
        out = model(x_test)
    val_loss = F.cross_entropy(out, y_test).item()
    print(f"epoch {epoch}: loss {train_loss:.4f}, val loss {val_loss:.4f}")

pred = out.argmax(1)
for k, name in enumerate(KINDS):
    print(f"{name:>10s}", torch.bincount(pred[y_test == k], minlength=4).tolist())
print(f"score: {(pred == y_test).float().mean().item():.4f}")
