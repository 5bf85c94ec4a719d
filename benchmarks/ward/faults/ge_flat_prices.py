"""Tabular regression, the price of a flat: embeddings of a district and a building type next to standardized numbers;
the logarithm of the price is learned and the report is the share of explained variance.
"""
# cause: broadcast-loss
# kind: dynamic

import functools
import sys

import numpy as np
import torch
from torch import nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
rng = np.random.default_rng(seed)

# --- data -----------------------------------------------------------------------------------------------------------
N, DISTRICTS, TYPES = 6000, 25, 5
district, kind = rng.integers(0, DISTRICTS, N), rng.integers(0, TYPES, N)
area, floor, year = rng.gamma(9, 8, N), rng.integers(1, 12, N), rng.integers(1920, 2023, N)
district_effect, kind_slope = rng.normal(0, 0.35, DISTRICTS), rng.uniform(0.6, 1.1, TYPES)
log_price = 7 + district_effect[district] + kind_slope[kind] * np.log(area) + 0.01 * floor
log_price += 0.25 * ((year - 1970) / 50) ** 2 + rng.normal(0, 0.12, N)
numbers = np.stack([np.log(area), floor, year], 1)
train, test = np.arange(N) < 4800, np.arange(N) >= 4800
numbers = (numbers - numbers[train].mean(0)) / numbers[train].std(0)
target = (log_price - log_price[train].mean()) / log_price[train].std()
numbers, target = (torch.tensor(a, dtype=torch.float32) for a in (numbers, target))
cats = torch.tensor(np.stack([district, kind], 1))

# --- model ----------------------------------------------------------------------------------------------------------
Dense = functools.partial(nn.Linear, bias=True)


class TabularNet(nn.Module):
    def __init__(self, cardinalities=((DISTRICTS, 6), (TYPES, 3)), numeric=3, hidden=64):
        super().__init__()
        self.embeddings = nn.ModuleList(nn.Embedding(n, d) for n, d in cardinalities)
        width = numeric + sum(d for _, d in cardinalities)
        self.mlp = nn.Sequential(Dense(width, hidden), nn.ReLU(), Dense(hidden, hidden), nn.ReLU(), Dense(hidden, 1))

    def forward(self, cats, numbers):
        parts = [emb(cats[:, i]) for i, emb in enumerate(self.embeddings)]
        return self.mlp(torch.cat([*parts, numbers], 1))  # FAULT
        # TWIN: return self.mlp(torch.cat([*parts, numbers], 1)).squeeze(1)


# --- training -------------------------------------------------------------------------------------------------------
net = TabularNet()
optimizer = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=1e-2)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 12)
rows = np.flatnonzero(train)
for epoch in range(12):
    total = 0.0
    for idx in torch.from_numpy(rng.permutation(rows)).split(96):
        loss = nn.functional.mse_loss(net(cats[idx], numbers[idx]), target[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(idx)
    scheduler.step()
    with torch.no_grad():
        mse = nn.functional.mse_loss(net(cats[test], numbers[test]), target[test])
    print(f"epoch {epoch + 1:2d}: mse {total / len(rows):.4f} (train) {mse:.4f} (test)")
print(f"score: {1 - (mse / target[test].var()).item():.4f}")
