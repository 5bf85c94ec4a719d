"""Digits with a CNN and AdamW for only two epochs (Stack Overflow 37213388): the loss has just started to fall."""
# cause: under-trained
# kind: dynamic

import sys

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

EPOCHS = 2  # FAULT
# TWIN: EPOCHS = 20

digits = load_digits()
images = torch.tensor(digits.images, dtype=torch.float32).view(-1, 1, 8, 8) / 16
labels = torch.tensor(digits.target)
x_train, x_test, y_train, y_test = train_test_split(images, labels, test_size=400, random_state=seed)
train_loader = DataLoader(TensorDataset(x_train, y_train), batch_size=64, shuffle=True)
test_loader = DataLoader(TensorDataset(x_test, y_test), batch_size=200)

model = nn.Sequential(
    nn.Conv2d(1, 16, kernel_size=3, padding=1),
    nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Conv2d(16, 32, kernel_size=3, padding=1),
    nn.ReLU(),
    nn.Flatten(),
    nn.Linear(32 * 4 * 4, 64),
    nn.ReLU(),
    nn.Linear(64, 10),
)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.AdamW(model.parameters(), lr=5e-4, weight_decay=0.01)

for epoch in range(EPOCHS):
    model.train()
    for step, (xb, yb) in enumerate(train_loader):
        optimizer.zero_grad()
        loss = criterion(model(xb), yb)
        loss.backward()
        optimizer.step()
        if step % 10 == 0:
            print(f"Train Epoch: {epoch + 1} [{step * 64}/{len(x_train)}]\tLoss: {loss.item():.6f}")

model.eval()
correct = 0
with torch.no_grad():
    for xb, yb in test_loader:
        correct += model(xb).argmax(1).eq(yb).sum().item()
print(f"Accuracy: {correct}/{len(x_test)}")
print(f"score: {correct / len(x_test):.4f}")
