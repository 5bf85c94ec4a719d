"""Digits with a batch-normalised MLP; the loader hands out batches of two (DeepFD 54, batch size)."""
# cause: batch-norm-tiny-batch
# kind: dynamic

import sys

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

BATCH_SIZE, EPOCHS = 2, 3  # FAULT
# TWIN: BATCH_SIZE, EPOCHS = 32, 15


def block(n_in, n_out):
    return nn.Sequential(nn.Linear(n_in, n_out), nn.BatchNorm1d(n_out), nn.ReLU())


x, y = load_digits(return_X_y=True)
x = torch.tensor(x / 16, dtype=torch.float32)
y = torch.tensor(y)
order = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed))
train_idx, val_idx = order[:1300], order[1300:]
train_loader = DataLoader(TensorDataset(x[train_idx], y[train_idx]), BATCH_SIZE, shuffle=True, drop_last=True)

net = nn.Sequential(block(64, 48), block(48, 48), block(48, 48), nn.Linear(48, 10))
optimizer = torch.optim.SGD(net.parameters(), lr=0.05)
loss_fn = nn.CrossEntropyLoss()

for epoch in range(EPOCHS):
    net.train()
    for data, target in train_loader:
        optimizer.zero_grad()
        loss = loss_fn(net(data), target)
        loss.backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        out = net(x[val_idx])
        val_loss = loss_fn(out, y[val_idx]).item()
        val_acc = (out.argmax(1) == y[val_idx]).float().mean().item()
    print(f"epoch {epoch + 1}: val loss {val_loss:.4f}, val acc {val_acc:.4f}")

print(f"score: {val_acc:.4f}")
