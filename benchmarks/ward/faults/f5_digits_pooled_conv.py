"""Handwritten digits with three conv layers and global average pooling.

Fault: two and three channels, copied from a toy drawing of the net, are far too few for ten classes.
"""
# cause: underfitting
# kind: dynamic

import sys

import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

torch.set_num_threads(1)
SEED = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(SEED)

digits = load_digits()
images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 16.0
labels = torch.tensor(digits.target)
x_train, x_test, y_train, y_test = train_test_split(images, labels, test_size=0.25, random_state=SEED, stratify=labels)
x_train, x_test = (x_train - 0.3) / 0.37, (x_test - 0.3) / 0.37


def build(c1, c2):
    return nn.Sequential(
        nn.Conv2d(1, c1, 3, padding=1),
        nn.LeakyReLU(0.1),
        nn.MaxPool2d(2),
        nn.Conv2d(c1, c2, 3, padding=1),
        nn.LeakyReLU(0.1),
        nn.Conv2d(c2, c2, 3, padding=1),
        nn.LeakyReLU(0.1),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(c2, 10),
    )


model = build(2, 3)  # FAULT
# TWIN: model = build(12, 24)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.005)

for epoch in range(1, 21):
    model.train()
    total_loss, correct = 0.0, 0
    for idx in torch.randperm(len(x_train)).split(32):
        optimizer.zero_grad()
        out = model(x_train[idx])
        loss = criterion(out, y_train[idx])
        loss.backward()
        optimizer.step()
        total_loss += loss.item() * len(idx)
        correct += (out.argmax(1) == y_train[idx]).sum().item()
    model.eval()
    with torch.no_grad():
        test_out = model(x_test)
        test_loss = criterion(test_out, y_test).item()
        test_acc = (test_out.argmax(1) == y_test).float().mean().item()
    if epoch % 5 == 0:
        print(
            f"Epoch {epoch}: train loss {total_loss / len(x_train):.3f} acc {correct / len(x_train):.3f}"
            f" | test loss {test_loss:.3f} acc {test_acc:.3f}"
        )

print(f"score: {test_acc:.4f}")
