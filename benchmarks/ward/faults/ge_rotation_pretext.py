"""Self-supervision by rotation: a small net learns by how many quarter turns a digit was rotated, then is frozen and a
linear probe on its features learns the digits themselves from 500 labels.
"""
# cause: training-in-eval-mode
# kind: structural

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

digits = load_digits()
order = torch.randperm(len(digits.target))
X = (torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1)[order] - 8) / 6
y = torch.tensor(digits.target)[order]
X_train, X_test, y_train, y_test = X[:1400], X[1400:], y[:1400], y[1400:]


def rotate(x):
    turns = torch.randint(4, (len(x),))
    return torch.stack([torch.rot90(img, int(k), (1, 2)) for img, k in zip(x, turns)]), turns


encoder = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1),
    nn.BatchNorm2d(16),
    nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Conv2d(16, 32, 3, padding=1),
    nn.BatchNorm2d(32),
    nn.ReLU(),
    nn.AdaptiveAvgPool2d(2),
    nn.Flatten(),
)
turn_head = nn.Linear(128, 4)

# 1. which way is up?
optimizer = torch.optim.Adam([*encoder.parameters(), *turn_head.parameters()], lr=2e-3)
encoder.train()  # FAULT
for epoch in range(10):
    # TWIN: encoder.train()
    total = 0.0
    for idx in torch.randperm(1400).split(50):
        x, turns = rotate(X_train[idx])
        loss = F.cross_entropy(turn_head(encoder(x)), turns)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    encoder.eval()
    with torch.no_grad():
        x, turns = rotate(X_test)
        acc = (turn_head(encoder(x)).argmax(1) == turns).float().mean()
    print(f"pretext epoch {epoch}: loss {total / 28:.4f}, turns right on test images {acc:.3f}")

# 2. linear probe
for p in encoder.parameters():
    p.requires_grad_(False)
encoder.eval()
features, features_test = encoder(X_train[:500]), encoder(X_test)
mean, std = features.mean(0), features.std(0) + 1e-3
features, features_test = (features - mean) / std, (features_test - mean) / std
probe = nn.Linear(128, 10)
optimizer = torch.optim.SGD(probe.parameters(), lr=0.01, momentum=0.9, weight_decay=2e-2)
for epoch in range(20):
    for idx in torch.randperm(500).split(25):
        loss = F.cross_entropy(probe(features[idx]), y_train[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 4 == 3:
        with torch.no_grad():
            train_loss, out = F.cross_entropy(probe(features), y_train[:500]), probe(features_test)
        acc = (out.argmax(1) == y_test).float().mean()
        print(f"probe epoch {epoch}: train {train_loss:.3f} test {F.cross_entropy(out, y_test):.3f} acc {acc:.3f}")
print(f"score: {acc:.4f}")
