"""Alarm for a pump house from normal days only: a network maps them close to a fixed point, and far means unusual.

Layers have no bias and the point is not the origin, so that the map cannot shrink everything to a constant.
"""

import sys

import numpy as np
import torch
from sklearn.metrics import roc_auc_score
from torch import nn

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
rng = np.random.default_rng(seed)
mixing = np.random.default_rng(11).normal(size=(4, 16)) / 2


def days(n, broken=False):
    """Sixteen gauges driven by four quantities; on broken days some gauges leave that surface."""
    state = rng.normal(size=(n, 4))
    gauges = np.tanh(state @ mixing) * 1.5 + rng.normal(0, 0.1, size=(n, 16))
    if broken:
        where = rng.random((n, 16)) < 0.4
        gauges = np.where(where, rng.permuted(gauges, axis=0), gauges)
    return torch.tensor(gauges, dtype=torch.float32)


train, normal, broken = days(3000), days(500), days(500, broken=True)
net = nn.Sequential(
    nn.Linear(16, 64, bias=False),
    nn.LeakyReLU(0.1),
    nn.Linear(64, 32, bias=False),
    nn.LeakyReLU(0.1),
    nn.Linear(32, 8, bias=False),
)
with torch.no_grad():
    center = net(train).mean(0)
    center = torch.where(center.abs() < 0.1, 0.1 * torch.where(center < 0, -1.0, 1.0), center)
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3, weight_decay=1e-5)
scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[30], gamma=0.1)


def distance(x):
    return ((net(x) - center) ** 2).sum(1)


def auc():
    with torch.no_grad():
        scores = torch.cat([distance(normal), distance(broken)])
    return roc_auc_score([0] * len(normal) + [1] * len(broken), scores.numpy())


print(f"before training: AUC {auc():.4f}")
for epoch in range(40):
    total = 0.0
    for rows in torch.randperm(len(train)).split(100):
        loss = distance(train[rows]).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(rows) / len(train)
    scheduler.step()
    if epoch % 8 == 7:
        print(f"epoch {epoch + 1}: mean distance {total:.5f}  AUC {auc():.4f}")
print(f"score: {auc():.4f}")
