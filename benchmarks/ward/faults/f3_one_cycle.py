"""Tabular classification with SGD, momentum and a one-cycle schedule whose peak learning rate is 30: fine for the first
steps of the warm-up, then the weights are thrown away."""
# cause: learning-rate-too-high
# kind: dynamic

import sys

import torch
from sklearn.datasets import make_classification
from torch import nn
from torch.optim.lr_scheduler import OneCycleLR

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

X, y = make_classification(
    n_samples=2400,
    n_features=20,
    n_informative=10,
    n_classes=4,
    n_clusters_per_class=2,
    class_sep=1.5,
    random_state=seed,
)
X = torch.tensor(X, dtype=torch.float32)
X = (X - X[:1800].mean(0)) / X[:1800].std(0)
y = torch.tensor(y)
Xtr, ytr, Xva, yva = X[:1800], y[:1800], X[1800:], y[1800:]

EPOCHS, BATCH = 15, 60
STEPS = len(Xtr) // BATCH

net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 4))
optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4)
scheduler = OneCycleLR(optimizer, max_lr=30.0, epochs=EPOCHS, steps_per_epoch=STEPS)  # FAULT
# TWIN: scheduler = OneCycleLR(optimizer, max_lr=0.1, epochs=EPOCHS, steps_per_epoch=STEPS)
loss_fn = nn.CrossEntropyLoss()

for epoch in range(EPOCHS):
    net.train()
    perm = torch.randperm(len(Xtr))
    epoch_loss = 0.0
    for s in range(STEPS):
        idx = perm[s * BATCH : (s + 1) * BATCH]
        loss = loss_fn(net(Xtr[idx]), ytr[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        epoch_loss += loss.item() / STEPS
    net.eval()
    with torch.no_grad():
        logits = net(Xva)
        val_loss = loss_fn(logits, yva).item()
        val_acc = (logits.argmax(1) == yva).float().mean().item()
    print(f"{epoch:2d}  train {epoch_loss:.4f}  val {val_loss:.4f}  acc {val_acc:.4f}")

print(f"score: {val_acc:.4f}")
