"""Small noisy survey table, wide MLP, the best epoch by validation loss is kept and scored on a separate test set.

Fault: the training rows run to the end of the train + validation block, so every validation row is also trained on.
"""
# cause: leakage
# kind: dynamic

import copy
import sys

import torch
import torch.nn as nn
from sklearn.datasets import make_classification
from torch.utils.data import DataLoader, TensorDataset

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)

X, y = make_classification(
    n_samples=1400, n_features=20, n_informative=8, flip_y=0.15, class_sep=0.9, shuffle=True, random_state=seed
)
n_train, n_val = 400, 200
X = torch.tensor((X - X[:n_train].mean(0)) / X[:n_train].std(0), dtype=torch.float32)
y = torch.tensor(y, dtype=torch.long)
X_train, y_train = X[: n_train + n_val], y[: n_train + n_val]  # FAULT
# TWIN: X_train, y_train = X[:n_train], y[:n_train]
X_val, y_val = X[n_train : n_train + n_val], y[n_train : n_train + n_val]
X_test, y_test = X[n_train + n_val :], y[n_train + n_val :]
train_loader = DataLoader(TensorDataset(X_train, y_train), batch_size=32, shuffle=True)

model = nn.Sequential(nn.Linear(20, 256), nn.ReLU(), nn.Linear(256, 64), nn.ReLU(), nn.Linear(64, 2))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
best_loss, best_state, best_epoch, patience = float("inf"), None, 0, 12

for epoch in range(60):
    model.train()
    train_loss = 0.0
    for xb, yb in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(xb), yb)
        loss.backward()
        optimizer.step()
        train_loss += loss.item() * len(xb) / len(X_train)
    model.eval()
    with torch.no_grad():
        val_out = model(X_val)
        val_loss = criterion(val_out, y_val).item()
        val_acc = (val_out.argmax(1) == y_val).float().mean().item()
    print(f"epoch {epoch:2d} train loss {train_loss:.4f} val loss {val_loss:.4f} val acc {val_acc:.3f}")
    if val_loss < best_loss:
        best_loss, best_state, best_epoch = val_loss, copy.deepcopy(model.state_dict()), epoch
    elif epoch - best_epoch >= patience:
        print("early stop, best epoch", best_epoch)
        break

model.load_state_dict(best_state)
with torch.no_grad():
    test_loss = criterion(model(X_test), y_test).item()
print(f"test loss {test_loss:.4f}")
print(f"score: {-test_loss:.4f}")
