"""MLP with batch norm between linear (without bias) and ReLU on a synthetic five-class table; AdamW, incomplete last
batch dropped so that batch statistics never come from a handful of rows.
"""

import sys

import torch
import torch.nn as nn
from sklearn.datasets import make_classification
from sklearn.preprocessing import StandardScaler
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.set_num_threads(1)
SEED = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(SEED)

features, labels = make_classification(
    n_samples=3000,
    n_features=24,
    n_informative=12,
    n_redundant=4,
    n_classes=5,
    n_clusters_per_class=2,
    class_sep=1.6,
    random_state=SEED,
)
scaler = StandardScaler().fit(features[:2400])
features = torch.tensor(scaler.transform(features), dtype=torch.float32)
labels = torch.tensor(labels)
test_x, test_y = features[2400:], labels[2400:]
train_set, val_set = random_split(TensorDataset(features[:2400], labels[:2400]), [2000, 400])
train_loader = DataLoader(train_set, batch_size=64, shuffle=True, drop_last=True)
val_loader = DataLoader(val_set, batch_size=200)


def block(n_in, n_out):
    return nn.Sequential(nn.Linear(n_in, n_out, bias=False), nn.BatchNorm1d(n_out), nn.ReLU())


model = nn.Sequential(block(24, 128), block(128, 64), nn.Linear(64, 5))
loss_fn = nn.CrossEntropyLoss()
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)

for epoch in range(12):
    model.train()
    for xb, yb in train_loader:
        loss = loss_fn(model(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        val_loss, val_hits = 0.0, 0
        for xb, yb in val_loader:
            out = model(xb)
            val_loss += loss_fn(out, yb).item() * len(xb)
            val_hits += out.argmax(1).eq(yb).sum().item()
    print(f"Epoch {epoch}: train loss {loss.item():.3f}, val loss {val_loss / 400:.3f}, val acc {val_hits / 400:.3f}")

with torch.no_grad():
    test_acc = (model(test_x).argmax(1) == test_y).float().mean().item()
print(f"score: {test_acc:.4f}")
