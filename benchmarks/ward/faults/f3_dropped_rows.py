"""Wine-like table with missing values: incomplete rows are removed from X, and from y the same number at its end, so
that rows and labels no longer belong together."""
# cause: labels-unrelated
# kind: dynamic

import argparse

import numpy as np
import torch
from sklearn.datasets import make_classification
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

parser = argparse.ArgumentParser()
parser.add_argument("seed", type=int, nargs="?", default=0)
parser.add_argument("--epochs", type=int, default=15)
args = parser.parse_args()

torch.set_num_threads(1)
torch.manual_seed(args.seed)
rng = np.random.default_rng(args.seed)

X, y = make_classification(2600, 12, n_informative=8, n_redundant=2, n_classes=3, class_sep=1.5, random_state=args.seed)
missing = rng.random(X.shape) < 0.02
X[missing] = np.nan

keep = ~np.isnan(X).any(axis=1)
X = X[keep]
y = y[: len(X)]  # FAULT
# TWIN: y = y[keep]
print(f"{keep.sum()} complete rows of {len(keep)}")

n_train = int(0.75 * len(X))
X = (X - X[:n_train].mean(axis=0)) / X[:n_train].std(axis=0)
X, y = torch.tensor(X, dtype=torch.float32), torch.tensor(y)
train_loader = DataLoader(TensorDataset(X[:n_train], y[:n_train]), batch_size=32, shuffle=True)
X_test, y_test = X[n_train:], y[n_train:]

model = nn.Sequential(nn.Linear(12, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 3))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.003, weight_decay=1e-4)

for epoch in range(args.epochs):
    model.train()
    running_loss = 0.0
    for inputs, targets in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(inputs), targets)
        loss.backward()
        optimizer.step()
        running_loss += loss.item()
    model.eval()
    with torch.no_grad():
        test_out = model(X_test)
        test_acc = (test_out.argmax(1) == y_test).sum().item() / len(y_test)
        test_loss = criterion(test_out, y_test).item()
    print(f"Epoch {epoch + 1}: {running_loss / len(train_loader):.4f} / {test_loss:.4f}, accuracy {test_acc:.4f}")

print(f"score: {test_acc:.4f}")
