"""Multi-label classification of a synthetic table (five tags per row) with BCEWithLogitsLoss and micro F1."""
# cause: detached-graph
# kind: dynamic

import sys

import torch
from sklearn.datasets import make_multilabel_classification
from sklearn.metrics import f1_score
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

X, Y = make_multilabel_classification(
    n_samples=2000, n_features=20, n_classes=5, n_labels=2, length=80, allow_unlabeled=False, random_state=seed
)
scaler = StandardScaler().fit(X[:1500])
X = torch.tensor(scaler.transform(X), dtype=torch.float32)
Y = torch.tensor(Y, dtype=torch.float32)
train_loader = DataLoader(TensorDataset(X[:1500], Y[:1500]), batch_size=50, shuffle=True)

model = nn.Sequential(nn.Linear(20, 32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 5))
loss_fn = nn.BCEWithLogitsLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)

for epoch in range(1, 16):
    model.train()
    train_loss = 0.0
    for xb, yb in train_loader:
        optimizer.zero_grad()
        losses = [loss_fn(out, target).item() for out, target in zip(model(xb).T, yb.T)]  # FAULT
        loss = torch.tensor(losses, requires_grad=True).mean()  # FAULT
        # TWIN: loss = loss_fn(model(xb), yb)
        loss.backward()
        optimizer.step()
        train_loss += loss.item() / len(train_loader)
    model.eval()
    with torch.no_grad():
        logits = model(X[1500:])
        val_loss = loss_fn(logits, Y[1500:]).item()
    f1 = f1_score(Y[1500:].numpy(), (logits > 0).int().numpy(), average="micro")
    print(f"Epoch {epoch:02d}  train {train_loss:.4f}  val {val_loss:.4f}  micro-F1 {f1:.4f}")

print(f"score: {f1:.4f}")
