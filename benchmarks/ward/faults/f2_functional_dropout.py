"""Regression of a nonlinear response with a dropout MLP that uses the functional interface.

Fault: F.dropout is called without training=self.training and stays active after model.eval() (transformers 33844).
"""
# cause: dropout-in-evaluation
# kind: dynamic

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import make_friedman1
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)


class ResponseNet(nn.Module):
    def __init__(self, n_features, hidden=96):
        super().__init__()
        self.inp = nn.Linear(n_features, hidden)
        self.mid = nn.Linear(hidden, hidden)
        self.out = nn.Linear(hidden, 1)

    def forward(self, x):
        x = F.relu(self.inp(x))
        x = F.dropout(x, p=0.4)  # FAULT
        # TWIN: x = F.dropout(x, p=0.4, training=self.training)
        x = F.relu(self.mid(x))
        x = F.dropout(x, p=0.4)  # FAULT
        # TWIN: x = F.dropout(x, p=0.4, training=self.training)
        return self.out(x)


X, y = make_friedman1(n_samples=1600, n_features=10, noise=0.8, random_state=seed)
X = torch.tensor(X * 2 - 1, dtype=torch.float32)
y = torch.tensor((y - y[:1200].mean()) / y[:1200].std(), dtype=torch.float32)
train_loader = DataLoader(TensorDataset(X[:1200], y[:1200]), batch_size=40, shuffle=True)
val_loader = DataLoader(TensorDataset(X[1200:], y[1200:]), batch_size=200)

model = ResponseNet(10)
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=1e-3)
for epoch in range(30):
    model.train()
    train_mse = 0.0
    for xb, yb in train_loader:
        optimizer.zero_grad()
        loss = F.mse_loss(model(xb).squeeze(-1), yb)
        loss.backward()
        optimizer.step()
        train_mse += loss.item() / len(train_loader)
    model.eval()
    val_mse = 0.0
    with torch.no_grad():
        for xb, yb in val_loader:
            val_mse += F.mse_loss(model(xb).squeeze(-1), yb).item() / len(val_loader)
    if epoch % 3 == 2:
        print(f"[{epoch + 1}/30] train mse {train_mse:.4f} val mse {val_mse:.4f}")

print(f"score: {1 - val_mse / y[1200:].var().item():.4f}")
