"""Active compounds from sixty descriptors; the network is trained on the first 120 rows only."""
# cause: overfitting
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn.functional as F

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
rng = np.random.default_rng(seed)

# descriptors, and an activity that depends on ten of them
D = 60
X = rng.normal(size=(41000, D)).astype(np.float32)
weights = np.zeros(D)
weights[rng.choice(D, 10, replace=False)] = rng.choice([-1.0, 1.0], 10)
pair = rng.choice(D, 2, replace=False)
y = (X @ weights + 1.0 * X[:, pair[0]] * X[:, pair[1]] > 0).astype(np.float32)

X_val, y_val = torch.from_numpy(X[40000:]), torch.from_numpy(y[40000:])
X, y = torch.from_numpy(X[:40000]), torch.from_numpy(y[:40000])
X, y = X[:120], y[:120]  # FAULT

net = torch.nn.Sequential(
    torch.nn.Linear(D, 128),
    torch.nn.ReLU(),
    torch.nn.Linear(128, 64),
    torch.nn.ReLU(),
    torch.nn.Linear(64, 1),
)
opt = torch.optim.Adam(net.parameters(), lr=1e-3)

total_steps, report = 900, 90
train_loss = train_hits = 0.0
for step in range(1, total_steps + 1):
    rows = torch.randint(0, len(X), (64,))
    logits = net(X[rows]).squeeze(1)
    loss = F.binary_cross_entropy_with_logits(logits, y[rows])
    opt.zero_grad()
    loss.backward()
    opt.step()
    train_loss += loss.item() / report
    train_hits += ((logits > 0) == (y[rows] > 0.5)).float().mean().item() / report
    if step % report == 0:
        with torch.no_grad():
            val_logits = net(X_val).squeeze(1)
            val_loss = F.binary_cross_entropy_with_logits(val_logits, y_val).item()
            val_hits = ((val_logits > 0) == (y_val > 0.5)).float().mean().item()
        print(
            f"step {step:5d} | loss {train_loss:.4f} acc {train_hits:.3f} | val loss {val_loss:.4f} acc {val_hits:.3f}"
        )
        train_loss = train_hits = 0.0
print(f"score: {val_hits:.4f}")
