"""Digit classification with a plain nn.Sequential MLP trained by SGD.

Fault: the last layer is nn.Softmax although nn.CrossEntropyLoss applies log-softmax itself (Stack Overflow 50485506).
"""
# cause: softmax-twice
# kind: dynamic

import sys

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
torch.set_num_threads(1)

digits = load_digits()
X = torch.tensor(digits.data / 16.0, dtype=torch.float32)
y = torch.tensor(digits.target)
train_set, test_set = random_split(TensorDataset(X, y), [1400, len(X) - 1400])
train_loader = DataLoader(train_set, batch_size=32, shuffle=True)
test_loader = DataLoader(test_set, batch_size=128)

model = nn.Sequential(
    nn.Linear(64, 64),
    nn.ReLU(),
    nn.Linear(64, 32),
    nn.ReLU(),
    nn.Linear(32, 10),
    nn.Softmax(dim=1),  # FAULT
)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)

for epoch in range(12):
    model.train()
    running = 0.0
    for xb, yb in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(xb), yb)
        loss.backward()
        optimizer.step()
        running += loss.item()

    model.eval()
    correct = 0
    with torch.no_grad():
        for xb, yb in test_loader:
            correct += (model(xb).argmax(dim=1) == yb).sum().item()
    accuracy = correct / len(test_set)
    print(f"epoch {epoch + 1}: train loss {running / len(train_loader):.4f}  test accuracy {accuracy:.3f}")

print(f"score: {accuracy:.4f}")
