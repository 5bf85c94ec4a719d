"""Company failure from nine financial ratios and the total assets in currency units.

Fault: the assets column is about a million times larger than the ratios (Stack Overflow 47932589).
"""
# cause: feature-scale
# accept: unscaled-inputs
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
torch.set_num_threads(1)
rng = np.random.default_rng(seed)

N = 1600
ratios = rng.normal(0.0, 1.0, size=(N, 9)).astype(np.float32)
assets = rng.lognormal(mean=0.0, sigma=0.6, size=N).astype(np.float32) * 1e6
direction = rng.normal(size=9)
z = ratios @ direction + 1.5 * ratios[:, 0] * ratios[:, 1] - 0.8 * (np.log(assets / 1e6))
failed = (z > 0).astype(np.float32)
# TWIN: assets = np.log(assets / 1e6)

X = torch.from_numpy(np.column_stack([ratios, assets]).astype(np.float32))
y = torch.from_numpy(failed)
loader = DataLoader(TensorDataset(X[:1200], y[:1200]), batch_size=25, shuffle=True)


class FailureModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(10, 40), nn.ReLU(), nn.Linear(40, 20), nn.ReLU(), nn.Linear(20, 1))

    def forward(self, x):
        return self.net(x).squeeze(-1)


model = FailureModel()
loss_func = nn.BCEWithLogitsLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.002)
for epoch in range(20):
    losses, correct = [], 0
    for batch_x, batch_y in loader:
        logits = model(batch_x)
        loss = loss_func(logits, batch_y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        correct += ((logits > 0).float() == batch_y).sum().item()
    print(f"epoch {epoch + 1}: loss {np.mean(losses):.3f}, train acc {correct / 1200:.3f}")

with torch.no_grad():
    test_acc = ((model(X[1200:]) > 0).float() == y[1200:]).float().mean().item()
print(f"score: {test_acc:.4f}")
