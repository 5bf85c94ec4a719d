"""Small VGG-style CNN that tells apart four procedurally drawn textures (stripes, checks, dots, clouds) on 16x16
images.
"""

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
rng = np.random.default_rng(seed)


def draw(kind):
    yy, xx = np.mgrid[0:16, 0:16].astype(np.float64)
    freq, phase, angle = rng.uniform(1.0, 1.8), rng.uniform(0, 6.28, 2), rng.uniform(0, np.pi)
    u = np.cos(angle) * xx + np.sin(angle) * yy
    v = -np.sin(angle) * xx + np.cos(angle) * yy
    if kind == 0:
        img = np.sin(freq * u + phase[0])
    elif kind == 1:
        img = np.sign(np.sin(freq * u + phase[0]) * np.sin(freq * v + phase[1]))
    elif kind == 2:
        img = -np.ones((16, 16))
        for cx, cy in rng.integers(1, 15, (10, 2)):
            img[cy, cx] = img[cy, cx - 1] = img[cy - 1, cx] = img[cy - 1, cx - 1] = 1.0
    else:
        img = np.kron(rng.normal(0, 1, (4, 4)), np.ones((4, 4)))
    return img + rng.normal(0, 0.5, (16, 16))


labels = rng.integers(0, 4, 1600)
images = np.stack([draw(k) for k in labels])[:, None].astype(np.float32)
x, y = torch.from_numpy(images), torch.from_numpy(labels)
mean, std = x[:1200].mean(), x[:1200].std()
x = (x - mean) / std
train_loader = DataLoader(TensorDataset(x[:1200], y[:1200]), batch_size=50, shuffle=True)
test_loader = DataLoader(TensorDataset(x[1200:], y[1200:]), batch_size=200)


def block(cin, cout):
    return nn.Sequential(
        nn.Conv2d(cin, cout, 3, padding=1, bias=False), nn.BatchNorm2d(cout), nn.ReLU(inplace=True), nn.MaxPool2d(2)
    )


model = nn.Sequential(block(1, 12), block(12, 24), block(24, 32), nn.Flatten(), nn.Linear(32 * 4, 4))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)

for epoch in range(6):
    model.train()
    running_loss = 0.0
    for inputs, targets in train_loader:
        optimizer.zero_grad()
        outputs = model(inputs)
        loss = criterion(outputs, targets)
        loss.backward()
        optimizer.step()
        running_loss += loss.item() * inputs.size(0)

    model.eval()
    correct = 0
    with torch.no_grad():
        for inputs, targets in test_loader:
            correct += (model(inputs).argmax(1) == targets).sum().item()
    print(f"Epoch {epoch + 1}: train loss {running_loss / 1200:.4f}, test acc {correct / 400:.4f}")

print(f"score: {correct / 400:.4f}")
