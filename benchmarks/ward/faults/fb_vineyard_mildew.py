"""Mildew risk of a vineyard plot (none, some, severe) from eight field readings and three columns of the land office.

The field readings were standardised when the table was first made; the land office columns joined it later.
"""
# cause: feature-scale
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

PLOTS, TRAIN = 5000, 4000
field = rng.normal(size=(PLOTS, 8))
area = rng.lognormal(9.5, 0.5, PLOTS)
easting = rng.uniform(380_000, 420_000, PLOTS)
altitude = rng.normal(260, 60, PLOTS)

risk = 1.2 * field[:, 0] * field[:, 1] + np.sin(2 * field[:, 2]) + 0.8 * np.abs(field[:, 3]) + 0.7 * field[:, 4]
risk = risk - 0.006 * (altitude - 260) + 0.25 * rng.normal(size=PLOTS)
label = np.digitize(risk, np.quantile(risk, [1 / 3, 2 / 3]))

land = np.column_stack([area, easting, altitude])
field = (field - field[:TRAIN].mean(0)) / field[:TRAIN].std(0)
# TWIN: land = (land - land[:TRAIN].mean(0)) / land[:TRAIN].std(0)
table = np.concatenate([field, land], axis=1)  # FAULT
# TWIN: table = np.concatenate([field, land], axis=1)

x = torch.as_tensor(table, dtype=torch.float32)
y = torch.as_tensor(label)
train = DataLoader(TensorDataset(x[:TRAIN], y[:TRAIN]), batch_size=80, shuffle=True)

net = nn.Sequential(
    nn.Linear(11, 48),
    nn.ReLU(),
    nn.Linear(48, 48),
    nn.ReLU(),
    nn.Linear(48, 3),
)
optimizer = torch.optim.Adam(net.parameters(), lr=4e-3)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=28)
criterion = nn.CrossEntropyLoss()

for epoch in range(28):
    net.train()
    seen, summed = 0, 0.0
    for rows, labels in train:
        optimizer.zero_grad()
        loss = criterion(net(rows), labels)
        loss.backward()
        optimizer.step()
        seen += len(labels)
        summed += loss.item() * len(labels)
    scheduler.step()
    net.eval()
    with torch.no_grad():
        accuracy = (net(x[TRAIN:]).argmax(1) == y[TRAIN:]).float().mean().item()
    if epoch % 4 == 3:
        print(f"epoch {epoch + 1}: loss {summed / seen:.4f}, held-out accuracy {accuracy:.4f}")

print(f"score: {accuracy:.4f}")
