"""Residual MLP of 20 pre-norm blocks on a synthetic table with three classes cut from a nonlinear signal. The last
linear of every block starts at zero, so the whole stack is the identity at the first step.
"""

import sys

import numpy as np
import torch
from torch import nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
rng = np.random.RandomState(seed)

X = rng.randn(2500, 8).astype("float32")
signal = np.sin(2 * X[:, 0]) + X[:, 1] * X[:, 2] + 0.5 * X[:, 3] ** 2 - 0.5
y = np.digitize(signal, [-0.7, 0.4])  # three classes of about equal size
X, y = torch.from_numpy(X), torch.from_numpy(y)
x_train, y_train, x_val, y_val = X[:2000], y[:2000], X[2000:], y[2000:]


class Block(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.lin1 = nn.Linear(dim, dim)
        self.lin2 = nn.Linear(dim, dim)
        nn.init.zeros_(self.lin2.weight)
        nn.init.zeros_(self.lin2.bias)

    def forward(self, x):
        return x + self.lin2(torch.relu(self.lin1(self.norm(x))))


model = nn.Sequential(nn.Linear(8, 32), *[Block(32) for _ in range(20)], nn.LayerNorm(32), nn.Linear(32, 3))
print("parameters:", sum(p.numel() for p in model.parameters()))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.01)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=10)
criterion = nn.CrossEntropyLoss()

for epoch in range(10):
    model.train()
    order = torch.randperm(2000)
    epoch_loss = 0.0
    for start in range(0, 2000, 50):
        idx = order[start : start + 50]
        optimizer.zero_grad()
        loss = criterion(model(x_train[idx]), y_train[idx])
        loss.backward()
        optimizer.step()
        epoch_loss += loss.item()
    scheduler.step()
    model.eval()
    with torch.inference_mode():
        logits = model(x_val)
        val_loss = criterion(logits, y_val).item()
        val_acc = (logits.argmax(1) == y_val).float().mean().item()
    print(f"epoch {epoch} train {epoch_loss / 40:.4f} val {val_loss:.4f} acc {val_acc:.4f}")

print(f"score: {val_acc:.4f}")
