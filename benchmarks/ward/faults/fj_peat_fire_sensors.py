"""Smouldering peat from five gas sensors; the edge device that trains it has memory for two readings at a time."""
# cause: batch-norm-tiny-batch
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
rng = np.random.default_rng(seed)

BATCH = 2  # FAULT
# TWIN: BATCH = 24
EPOCHS = 8


def readings(n):
    gas = rng.normal(size=(n, 5))
    fume = gas[:, 0] * gas[:, 1] + 0.8 * gas[:, 2] - np.abs(gas[:, 3]) + 0.8
    state = np.digitize(fume + 0.05 * rng.normal(size=n), [-0.6, 0.6])
    return TensorDataset(torch.tensor(gas, dtype=torch.float32), torch.tensor(state))


def block(n_in, n_out):
    return [nn.Linear(n_in, n_out, bias=False), nn.BatchNorm1d(n_out), nn.ReLU()]


train_set, test_set = readings(2400), readings(1000)
loader = DataLoader(train_set, batch_size=BATCH, shuffle=True, drop_last=True)
model = nn.Sequential(*block(5, 64), *block(64, 64), nn.Linear(64, 3))
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS * len(loader))
loss_fn = nn.CrossEntropyLoss()

for epoch in range(1, EPOCHS + 1):
    model.train()
    mean_loss = 0.0
    for gas, state in loader:
        loss = loss_fn(model(gas), state)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        mean_loss += loss.item() / len(loader)
    model.eval()
    with torch.no_grad():
        gas, state = test_set.tensors
        accuracy = (model(gas).argmax(1) == state).float().mean().item()
    print(f"[{epoch}/{EPOCHS}] loss {mean_loss:.4f} test accuracy {accuracy:.4f}")
print(f"score: {accuracy:.4f}")
