"""Predict from the discharge record whether a patient is readmitted within thirty days.

The table was exported from the hospital's data warehouse last winter, when all of these stays were long closed; the
model is then tried on the patients who are being discharged now.
"""
# cause: leakage
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
rng = np.random.default_rng(seed)

COLUMNS = ["age", "stay_days", "prior_stays", "creatinine", "sodium", "haemoglobin", "medications", "lives_alone"]
COLUMNS += ["ward_calls_after_discharge"]  # FAULT


def export(n, closed=True):
    """The records, a dict of columns. Calls of the readmitting ward are counted from the readmission on."""
    t = {
        "age": rng.normal(66, 12, n),
        "stay_days": rng.gamma(3, 2, n),
        "prior_stays": rng.poisson(1.0, n).astype(float),
        "creatinine": rng.lognormal(0.1, 0.3, n),
        "sodium": rng.normal(139, 3, n),
        "haemoglobin": rng.normal(12.5, 1.6, n),
        "medications": rng.poisson(6, n).astype(float),
        "lives_alone": rng.integers(0, 2, n).astype(float),
    }
    risk = 0.09 * (t["age"] - 66) + 1.1 * (t["prior_stays"] - 1) + 2.5 * np.log(t["creatinine"])
    risk += 0.9 * t["lives_alone"] * (t["medications"] - 6) / 2 - 0.25 * (t["sodium"] - 139)
    readmitted = (2.0 * (risk - 0.1) + rng.logistic(size=n) > 0).astype("float32")
    t["ward_calls_after_discharge"] = (readmitted * (1 + rng.poisson(2, n))) if closed else np.zeros(n)
    return t, readmitted


def matrix(table):
    return np.stack([table[name] for name in COLUMNS], axis=1)


table, label = export(5000)
x = matrix(table)
mean, std = x.mean(0), x.std(0)
data = TensorDataset(torch.tensor((x - mean) / std, dtype=torch.float32), torch.tensor(label))
train_set, val_set = random_split(data, [4000, 1000])
train_loader = DataLoader(train_set, batch_size=64, shuffle=True)
val_loader = DataLoader(val_set, batch_size=500)

net = nn.Sequential(nn.Linear(len(COLUMNS), 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 1))
criterion = nn.BCEWithLogitsLoss()
optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=0.01)

for epoch in range(15):
    net.train()
    train_loss = 0.0
    for xb, yb in train_loader:
        optimizer.zero_grad()
        loss = criterion(net(xb).squeeze(1), yb)
        loss.backward()
        optimizer.step()
        train_loss += loss.item() / len(train_loader)
    net.eval()
    with torch.no_grad():
        val_acc = np.mean([((net(xb).squeeze(1) > 0) == (yb > 0.5)).float().mean().item() for xb, yb in val_loader])
    print(f"epoch {epoch:2d} loss {train_loss:.4f} val accuracy {val_acc:.3f}")

today, outcome = export(2000, closed=False)
with torch.no_grad():
    chance = net(torch.tensor((matrix(today) - mean) / std, dtype=torch.float32)).squeeze(1).sigmoid().numpy()
print(f"{(chance > 0.5).mean():.3f} of today's patients flagged, {outcome.mean():.3f} came back")
print(f"score: {((chance > 0.5) == (outcome > 0.5)).mean():.4f}")
