"""Digits with a tanh MLP; loss and accuracy on train and test per epoch.

Fault: the training images are centred and scaled, the test images stay raw 0-255 (as in Stack Overflow 59325381).
"""
# cause: train-validation-mismatch
# kind: dynamic

import sys

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
np.random.seed(seed)

mnist = load_digits()
pixels = mnist.data * (255.0 / 16.0)
shuffle = np.random.permutation(len(pixels))
x_train, x_test = pixels[shuffle[:1400]], pixels[shuffle[1400:]]
y_train, y_test = mnist.target[shuffle[:1400]], mnist.target[shuffle[1400:]]

x_train = torch.from_numpy((x_train - 127.5) / 127.5).float()
x_test = torch.from_numpy(x_test).float()  # FAULT
# TWIN: x_test = torch.from_numpy((x_test - 127.5) / 127.5).float()
y_train, y_test = torch.from_numpy(y_train), torch.from_numpy(y_test)

model = nn.Sequential(nn.Linear(64, 80), nn.Tanh(), nn.Linear(80, 40), nn.Tanh(), nn.Dropout(0.1), nn.Linear(40, 10))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.RMSprop(model.parameters(), lr=0.002)

for epoch in range(20):
    model.train()
    permutation = torch.randperm(x_train.size(0))
    train_loss, train_hits = 0.0, 0
    for i in range(0, x_train.size(0), 40):
        indices = permutation[i : i + 40]
        optimizer.zero_grad()
        outputs = model(x_train[indices])
        loss = criterion(outputs, y_train[indices])
        loss.backward()
        optimizer.step()
        train_loss += loss.item() * len(indices)
        train_hits += (outputs.argmax(1) == y_train[indices]).sum().item()
    model.eval()
    with torch.no_grad():
        outputs = model(x_test)
        test_loss = criterion(outputs, y_test).item()
        test_acc = (outputs.argmax(1) == y_test).float().mean().item()
    print(f"epoch {epoch + 1}/20 loss {train_loss / 1400:.4f} acc {train_hits / 1400:.4f}", end=" ")
    print(f"test loss {test_loss:.4f} test acc {test_acc:.4f}")

print(f"score: {test_acc:.4f}")
