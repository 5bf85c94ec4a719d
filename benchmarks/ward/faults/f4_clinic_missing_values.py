"""Length of stay from clinic records in which some lab values are missing (NaN) and go into the network as they are."""
# cause: non-finite-input
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

n = 1600
age = rng.normal(55, 15, n)
crp = rng.lognormal(2.0, 0.6, n)
sodium = rng.normal(139, 4, n)
beds = rng.normal(0, 1, n)
stay = 0.05 * age + 0.15 * crp - 0.1 * (sodium - 139) + rng.normal(0, 0.5, n)
crp[rng.random(n) < 0.01] = np.nan
records = np.stack([age, crp, sodium, beds], axis=1)
records = (records - np.nanmean(records[:1200], axis=0)) / np.nanstd(records[:1200], axis=0)
# TWIN: records = np.nan_to_num(records)
stay = (stay - stay[:1200].mean()) / stay[:1200].std()

x = torch.tensor(records, dtype=torch.float32)
y = torch.tensor(stay, dtype=torch.float32)[:, None]
loader = DataLoader(TensorDataset(x[:1200], y[:1200]), batch_size=32, shuffle=True)

model = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
criterion = nn.MSELoss()
for epoch in range(15):
    total = 0.0
    for xb, yb in loader:
        optimizer.zero_grad()
        loss = criterion(model(xb), yb)
        loss.backward()
        optimizer.step()
        total += loss.item()
    print(f"epoch {epoch + 1:2d} mean loss {total / len(loader):.4f}")

model.eval()
with torch.no_grad():
    r2 = 1 - (model(x[1200:]) - y[1200:]).pow(2).mean() / y[1200:].var()
print(f"score: {np.nan_to_num(r2.item(), nan=-1.0):.4f}")
