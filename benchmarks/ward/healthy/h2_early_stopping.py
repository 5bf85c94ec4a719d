"""Early stopping with patience: the best weights by validation loss are kept and restored before the test."""

import copy
import sys

import torch
import torch.nn as nn
from sklearn.datasets import make_classification
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)


class EarlyStopping:
    def __init__(self, patience=8, min_delta=0.0):
        self.patience, self.min_delta = patience, min_delta
        self.best_loss, self.best_state, self.counter = float("inf"), None, 0

    def __call__(self, loss, model):
        if loss < self.best_loss - self.min_delta:
            self.best_loss, self.counter = loss, 0
            self.best_state = copy.deepcopy(model.state_dict())
        else:
            self.counter += 1
        return self.counter >= self.patience


seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
X, y = make_classification(
    n_samples=2000, n_features=20, n_informative=8, n_classes=3, class_sep=1.5, random_state=seed
)
X = torch.tensor(X, dtype=torch.float32)
y = torch.tensor(y)
X_rest, X_test, y_rest, y_test = train_test_split(X, y, test_size=0.2, random_state=seed)
X_train, X_val, y_train, y_val = train_test_split(X_rest, y_rest, test_size=0.25, random_state=seed)
mean, std = X_train.mean(0), X_train.std(0)
X_train, X_val, X_test = ((t - mean) / std for t in (X_train, X_val, X_test))
loader = DataLoader(TensorDataset(X_train, y_train), batch_size=64, shuffle=True)

model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 3))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
stopper = EarlyStopping(patience=8)

for epoch in range(1, 101):
    model.train()
    train_loss = 0.0
    for xb, yb in loader:
        optimizer.zero_grad()
        loss = criterion(model(xb), yb)
        loss.backward()
        optimizer.step()
        train_loss += loss.item() * len(xb)
    model.eval()
    with torch.no_grad():
        val_loss = criterion(model(X_val), y_val).item()
    print(f"epoch {epoch:3d} train_loss {train_loss / len(X_train):.4f} val_loss {val_loss:.4f}")
    if stopper(val_loss, model):
        print(f"Early stopping, best validation loss {stopper.best_loss:.4f}")
        break

model.load_state_dict(stopper.best_state)
model.eval()
with torch.no_grad():
    acc = (model(X_test).argmax(1) == y_test).float().mean().item()
print(f"score: {acc:.4f}")
