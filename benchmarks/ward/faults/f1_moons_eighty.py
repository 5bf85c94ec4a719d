"""Noisy moons, 80 training points, a wide network trained for very long without any regularisation (DeepCrime TRD)."""
# cause: overfitting
# kind: dynamic

import sys

import torch
import torch.nn as nn
from sklearn.datasets import make_moons

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

N_TRAIN = 80  # FAULT
# TWIN: N_TRAIN = 4000
X, y = make_moons(n_samples=N_TRAIN + 1000, noise=0.35, random_state=seed)
X = torch.tensor(X, dtype=torch.float32)
X = (X - X.mean(0)) / X.std(0)
y = torch.tensor(y, dtype=torch.float32)
X_train, y_train = X[:N_TRAIN], y[:N_TRAIN]
X_val, y_val = X[N_TRAIN:], y[N_TRAIN:]

model = nn.Sequential(
    nn.Linear(2, 256),
    nn.ReLU(),
    nn.Linear(256, 256),
    nn.ReLU(),
    nn.Linear(256, 1),
)
criterion = nn.BCEWithLogitsLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

for step in range(1, 1001):
    model.train()
    batch = torch.randint(N_TRAIN, (40,))
    optimizer.zero_grad()
    loss = criterion(model(X_train[batch]).squeeze(-1), y_train[batch])
    loss.backward()
    optimizer.step()
    if step % 100 == 0:
        model.eval()
        with torch.no_grad():
            val_out = model(X_val).squeeze(-1)
            val_loss = criterion(val_out, y_val).item()
            val_acc = ((val_out > 0).float() == y_val).float().mean().item()
        print(f"step {step:4d}  train loss {loss.item():.4f}  val loss {val_loss:.4f}  val acc {val_acc:.3f}")

print(f"score: {-val_loss:.4f}")
