"""Gradient accumulation over five micro-batches whose last group of an epoch is smaller and whose last micro-batch is
short: summed losses are divided by the number of examples that the group really has.
"""
# cause: under-trained
# kind: dynamic

import sys

import numpy as np
import torch
from sklearn.datasets import make_friedman1
from torch import nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

X, y = make_friedman1(2310, n_features=8, noise=0.7, random_state=seed)
X, y = X.astype(np.float32) * 2 - 1, y.astype(np.float32)
X_train, y_train = torch.from_numpy(X[:1810]), torch.from_numpy(y[:1810])
X_val, y_val = torch.from_numpy(X[1810:]), torch.from_numpy(y[1810:])
center, spread = y_train.mean(), y_train.std()
t_train, t_val = (y_train - center) / spread, (y_val - center) / spread

model = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3, momentum=0.5)
scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, [14, 18], gamma=0.3)
MICRO, GROUP = 12, 5

for epoch in range(20):
    order = torch.randperm(len(X_train))
    micro_batches = order.split(MICRO)  # 150 of twelve and one of ten
    train_sum = 0.0
    for first in range(0, len(micro_batches), GROUP):
        group = micro_batches[first : first + GROUP]
        examples = sum(len(m) for m in group)
        for m in group:
            squared = (model(X_train[m]).squeeze(1) - t_train[m]).pow(2).sum()
            (squared / examples).backward()
            train_sum += squared.item()
        # TWIN: optimizer.step()
        # TWIN: optimizer.zero_grad()
    optimizer.step()  # FAULT
    optimizer.zero_grad()  # FAULT
    scheduler.step()
    with torch.no_grad():
        val_mse = (model(X_val).squeeze(1) - t_val).pow(2).mean().item()
    if epoch % 2 == 1:
        print(f"epoch {epoch + 1}: train mse {train_sum / len(X_train):.4f}, val mse {val_mse:.4f}")
print(f"score: {1 - val_mse / t_val.var().item():.4f}")
