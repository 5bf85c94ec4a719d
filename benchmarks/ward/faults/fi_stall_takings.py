"""Which of five kinds of market stall a till belongs to, from its week.

Visitors, sales and returns of every day, and the rates made of them.
"""
# cause: non-finite-input
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
rng = np.random.default_rng(seed)

KINDS, DAYS = 5, 7
shape = np.random.default_rng(99)
traffic = shape.uniform(5, 30, size=(KINDS, DAYS))
buying = shape.uniform(0.2, 0.7, size=(KINDS, DAYS))
bringing_back = shape.uniform(0.05, 0.3, size=(KINDS, DAYS))


def weeks(n):
    kind = rng.integers(KINDS, size=n)
    visitors = rng.poisson(traffic[kind] * rng.lognormal(0, 0.5, size=(n, 1)))
    visitors[rng.random((n, DAYS)) < 0.01] = 0  # days of rain
    sales = rng.binomial(visitors, buying[kind])
    returns = rng.binomial(sales, bringing_back[kind])
    sold = sales / visitors  # FAULT
    back = returns / sales  # FAULT
    # TWIN: sold = sales / np.maximum(visitors, 1)
    # TWIN: back = returns / np.maximum(sales, 1)
    counts = np.log1p(np.concatenate([visitors, sales, returns], axis=1))
    return np.concatenate([counts, sold, back], axis=1).astype(np.float32), kind


np.seterr(divide="ignore", invalid="ignore")
x_train, y_train = weeks(3000)
x_test, y_test = weeks(1000)
mean, std = np.nanmean(x_train, axis=0), np.nanstd(x_train, axis=0)
x_train, x_test = (torch.from_numpy((x - mean) / std) for x in (x_train, x_test))
y_train, y_test = torch.from_numpy(y_train), torch.from_numpy(y_test)


class StallNet(nn.Module):
    def __init__(self, features, hidden=32, dropout=0.2):
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(features, hidden),
            nn.LayerNorm(hidden),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, hidden),
            nn.GELU(),
        )
        self.head = nn.Linear(hidden, KINDS)

    def forward(self, week):
        return self.head(self.body(week))


net = StallNet(x_train.shape[1])
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3, weight_decay=1e-4)
criterion = nn.CrossEntropyLoss()
for epoch in range(20):
    net.train()
    shown = 0.0
    for rows in torch.randperm(len(x_train)).split(60):
        optimizer.zero_grad()
        loss = criterion(net(x_train[rows]), y_train[rows])
        loss.backward()
        optimizer.step()
        shown += loss.item() * len(rows) / len(x_train)
    net.eval()
    with torch.no_grad():
        accuracy = (net(x_test).argmax(1) == y_test).float().mean().item()
    print(f"epoch {epoch + 1}\tloss {shown:.4f}\ttest accuracy {accuracy:.4f}")
print(f"score: {accuracy:.4f}")
