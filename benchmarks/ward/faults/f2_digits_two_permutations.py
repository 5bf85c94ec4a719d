"""CNN with batch norm on digits, manual batches.

Fault: images and labels are shuffled with two different permutations.
"""
# cause: labels-unrelated
# kind: dynamic

import sys

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
rng = np.random.RandomState(seed)

bunch = load_digits()
split = rng.permutation(len(bunch.target))
train_images, train_labels = bunch.images[split[:1350]], bunch.target[split[:1350]]
test_images, test_labels = bunch.images[split[1350:]], bunch.target[split[1350:]]

order = rng.permutation(len(train_images))
train_images = train_images[order]
train_labels = rng.permutation(train_labels)  # FAULT
# TWIN: train_labels = train_labels[order]


def to_tensor(images):
    return torch.tensor(images[:, None] / 8.0 - 1.0, dtype=torch.float32)


x, y = to_tensor(train_images), torch.tensor(train_labels)
x_test, y_test = to_tensor(test_images), torch.tensor(test_labels)

model = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1, bias=False),
    nn.BatchNorm2d(16),
    nn.ReLU(),
    nn.Conv2d(16, 16, 3, stride=2, padding=1, bias=False),
    nn.BatchNorm2d(16),
    nn.ReLU(),
    nn.Flatten(),
    nn.Linear(16 * 16, 10),
)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
criterion = nn.CrossEntropyLoss()
batch_size = 45
for epoch in range(8):
    model.train()
    epoch_loss = 0.0
    perm = torch.randperm(len(x))
    for start in range(0, len(x), batch_size):
        pick = perm[start : start + batch_size]
        optimizer.zero_grad()
        loss = criterion(model(x[pick]), y[pick])
        loss.backward()
        optimizer.step()
        epoch_loss += loss.item()
    model.eval()
    with torch.no_grad():
        acc = model(x_test).argmax(1).eq(y_test).float().mean().item()
    print(f"epoch {epoch + 1} loss {epoch_loss / (len(x) / batch_size):.4f} test acc {acc:.4f}")

print(f"score: {acc:.4f}")
