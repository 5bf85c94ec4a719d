"""Weight of a lorry that rolls over a strip of sixteen pressure cells: a small network with batch normalization.

The batches have the size that fitted on the roadside box.
"""
# cause: batch-norm-tiny-batch
# kind: dynamic

import sys

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

BATCH = 2  # FAULT
# TWIN: BATCH = 32
EPOCHS = 6


def crossings(n):
    """The load is the sum over cells; a fast or braking lorry presses otherwise than a slow one."""
    weight = 1 + 2 * torch.rand(n, 1)
    centre, width = 4 + 8 * torch.rand(n, 1), 1.5 + 1.5 * torch.rand(n, 1)
    cells = torch.arange(16.0)
    footprint = torch.exp(-0.5 * ((cells - centre) / width) ** 2) / width
    braking = torch.rand(n, 1) - 0.5
    press = weight * footprint * (1 + 0.6 * braking) + 0.02 * torch.randn(n, 16)
    features = torch.cat([(press - 0.3) / 0.4, 3 * braking], dim=1)
    return features, (weight - 2) / 0.58


def layer(a, b):
    return nn.Sequential(nn.Linear(a, b), nn.BatchNorm1d(b), nn.ReLU())


model = nn.Sequential(layer(17, 48), layer(48, 48), nn.Linear(48, 1))
train, test = crossings(1600), crossings(600)
loader = DataLoader(TensorDataset(*train), batch_size=BATCH, shuffle=True, drop_last=True)
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 5e-3, total_steps=EPOCHS * len(loader))
criterion = nn.MSELoss()

for epoch in range(EPOCHS):
    model.train()
    running = 0.0
    for features, weight in loader:
        optimizer.zero_grad()
        loss = criterion(model(features), weight)
        loss.backward()
        optimizer.step()
        scheduler.step()
        running += loss.item()
    model.eval()
    with torch.no_grad():
        error = criterion(model(test[0]), test[1])
    r2 = 1 - (error / test[1].var()).item()
    print(f"epoch {epoch + 1}: train {running / len(loader):.4f} test {error:.4f} R2 {r2:.4f}")

print(f"score: {r2:.4f}")
