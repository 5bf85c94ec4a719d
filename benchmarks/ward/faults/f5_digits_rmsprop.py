"""Digits with a three-layer network and RMSprop. Its settings come from a recipe for Inception
(alpha 0.9, momentum 0.9, eps 1.0), where gradients and learning rate are far larger than here."""
# cause: optimizer-epsilon-too-large
# kind: dynamic

import sys

import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
torch.set_num_threads(1)

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X / 16.0, y, test_size=0.25, random_state=seed, stratify=y)
X_train, X_test = (torch.tensor(a, dtype=torch.float32) for a in (X_train, X_test))
y_train, y_test = torch.tensor(y_train), torch.tensor(y_test)

net = nn.Sequential()
net.add_module("dense1", nn.Linear(64, 48))
net.add_module("relu1", nn.ReLU())
net.add_module("dense2", nn.Linear(48, 48))
net.add_module("relu2", nn.ReLU())
net.add_module("dense3", nn.Linear(48, 10))

criterion = nn.CrossEntropyLoss(label_smoothing=0.05)
optimizer = torch.optim.RMSprop(net.parameters(), lr=5e-4, alpha=0.9, momentum=0.9, eps=1.0)  # FAULT
# TWIN: optimizer = torch.optim.RMSprop(net.parameters(), lr=5e-4, alpha=0.9, momentum=0.9)
scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.94)

n_batches = len(X_train) // 32
for epoch in range(20):
    net.train()
    shuffled = torch.randperm(len(X_train))
    loss_sum, hits = 0.0, 0
    for b in range(n_batches):
        idx = shuffled[b * 32 : (b + 1) * 32]
        optimizer.zero_grad()
        out = net(X_train[idx])
        loss = criterion(out, y_train[idx])
        loss.backward()
        optimizer.step()
        loss_sum += loss.item()
        hits += int((out.argmax(1) == y_train[idx]).sum())
    scheduler.step()
    net.eval()
    with torch.no_grad():
        test_acc = (net(X_test).argmax(1) == y_test).float().mean().item()
    train_acc = hits / (n_batches * 32)
    print(f"{epoch + 1:2d}/20 loss {loss_sum / n_batches:.4f} acc {train_acc:.4f} test_acc {test_acc:.4f}")
print(f"score: {test_acc:.4f}")
