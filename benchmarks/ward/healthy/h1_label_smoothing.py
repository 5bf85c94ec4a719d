"""Digits MLP with label smoothing 0.1: the training loss cannot fall below about 0.5 however good the fit is. The
validation uses plain cross-entropy.
"""

import sys

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import StratifiedShuffleSplit
from torch import nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

X, y = load_digits(return_X_y=True)
train_idx, val_idx = next(StratifiedShuffleSplit(1, test_size=0.25, random_state=seed).split(X, y))
X = torch.tensor(X, dtype=torch.float32).div_(16)
y = torch.tensor(y)
X_train, y_train, X_val, y_val = X[train_idx], y[train_idx], X[val_idx], y[val_idx]

model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))
train_criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
val_criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)

for epoch in range(20):
    model.train()
    epoch_losses = []
    for batch in torch.randperm(len(X_train)).split(32):
        optimizer.zero_grad()
        loss = train_criterion(model(X_train[batch]), y_train[batch])
        loss.backward()
        optimizer.step()
        epoch_losses.append(loss.detach())
    model.eval()
    with torch.no_grad():
        logits = model(X_val)
        val_loss = val_criterion(logits, y_val)
        val_acc = (logits.argmax(1) == y_val).float().mean()
    mean_loss = torch.stack(epoch_losses).mean()
    print("epoch", epoch + 1, "loss", round(mean_loss.item(), 4), "val", round(val_loss.item(), 4), val_acc.item())

print("score:", round(val_acc.item(), 4))
