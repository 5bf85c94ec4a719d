"""Customer churn where 2 % leave, plain cross entropy, scored by balanced accuracy; the twin weights the classes."""
# cause: class-imbalance
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
rng = np.random.default_rng(seed)

left = (rng.random(5000) < 0.02).astype(np.int64)
x = rng.normal(size=(5000, 8)) + left[:, None] * np.array([1.0, -1.0, 0.8, 0, 0, 0, 0, 0])
x, y = torch.tensor(x, dtype=torch.float32), torch.tensor(left)
loader = DataLoader(TensorDataset(x[:3000], y[:3000]), batch_size=100, shuffle=True)

model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
criterion = nn.CrossEntropyLoss()  # FAULT
# TWIN: criterion = nn.CrossEntropyLoss(weight=torch.tensor([1.0, 49.0]))
for epoch in range(8):
    total = 0.0
    for xb, yb in loader:
        optimizer.zero_grad()
        loss = criterion(model(xb), yb)
        loss.backward()
        optimizer.step()
        total += loss.item()
    print(f"epoch {epoch + 1}: loss {total / len(loader):.4f}")

with torch.no_grad():
    pred = model(x[3000:]).argmax(1)
truth = y[3000:]
recalls = [(pred[truth == c] == c).float().mean().item() for c in (0, 1)]
print(f"stayed found {recalls[0]:.3f}, left found {recalls[1]:.3f}")
print(f"score: {sum(recalls) / 2:.4f}")
