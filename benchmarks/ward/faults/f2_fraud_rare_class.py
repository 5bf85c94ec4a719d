"""Card fraud detection on 10 synthetic features, 2 % of the rows are fraud.

Fault: the 98:2 classes are trained with plain cross-entropy, so the model
calls everything legitimate (DeepCrime TUD).
"""
# cause: class-imbalance
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)


def transactions(n, rng, direction):
    fraud = (rng.random(n) < 0.02).astype(np.int64)
    x = rng.standard_normal((n, 10)) + 2.2 * fraud[:, None] * direction
    return torch.tensor(x, dtype=torch.float32), torch.tensor(fraud)


rng = np.random.default_rng(seed)
direction = rng.standard_normal(10)
direction /= np.linalg.norm(direction)
x_train, y_train = transactions(10000, rng, direction)
x_test, y_test = transactions(3000, rng, direction)
train_loader = DataLoader(TensorDataset(x_train, y_train), batch_size=200, shuffle=True)

model = nn.Sequential(nn.Linear(10, 16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 2))
criterion = nn.CrossEntropyLoss()  # FAULT
# TWIN: criterion = nn.CrossEntropyLoss(weight=torch.tensor([0.02, 0.98]))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=1e-3)

for epoch in range(15):
    model.train()
    total_loss = 0.0
    for xb, yb in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(xb), yb)
        loss.backward()
        optimizer.step()
        total_loss += loss.item()
    model.eval()
    with torch.no_grad():
        out = model(x_test)
        test_loss = criterion(out, y_test).item()
    print(f"Epoch {epoch + 1:02d}: train loss {total_loss / len(train_loader):.4f}, test loss {test_loss:.4f}")

predicted = out.argmax(dim=1)
recall = (predicted[y_test == 1] == 1).float().mean().item()
specificity = (predicted[y_test == 0] == 0).float().mean().item()
print(f"accuracy {predicted.eq(y_test).float().mean().item():.4f} recall {recall:.4f} specificity {specificity:.4f}")
print(f"score: {(recall + specificity) / 2:.4f}")
