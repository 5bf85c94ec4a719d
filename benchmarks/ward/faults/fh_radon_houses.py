"""Radon in the cellar from what is known of a house: a dense network with normalization after every layer.

The script was written for a field laptop, where little memory was free.
"""
# cause: batch-norm-tiny-batch
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset, random_split

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
batch_size = 2  # FAULT
# TWIN: batch_size = 32
epochs = 12
features = 12

torch.set_num_threads(1)
torch.manual_seed(seed)
rng = np.random.default_rng(seed)


def survey(n):
    x = rng.normal(size=(n, features))
    soil = np.sin(1.5 * x[:, 0]) + 0.5 * x[:, 1] * x[:, 2]
    house = np.abs(x[:, 3]) - 0.7 * x[:, 4] + 0.4 * x[:, 5] * (x[:, 6] > 0)
    radon = soil + house + rng.normal(0, 0.2, n)
    return x.astype("float32"), ((radon - radon.mean()) / radon.std()).astype("float32")


def block(n_in, n_out):
    return [nn.Linear(n_in, n_out), nn.BatchNorm1d(n_out), nn.ReLU()]


houses, radon = survey(2400)
everything = TensorDataset(torch.from_numpy(houses), torch.from_numpy(radon).unsqueeze(1))
train_part, test_part = random_split(everything, [1800, 600], generator=torch.Generator().manual_seed(seed))
train_loader = DataLoader(train_part, batch_size=batch_size, shuffle=True)
test_loader = DataLoader(test_part, batch_size=200)

model = nn.Sequential(*block(features, 64), *block(64, 64), nn.Linear(64, 1))
optimizer = optim.Adam(model.parameters(), lr=2e-3)
scheduler = optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.85)
loss_fn = nn.MSELoss()

for epoch in range(epochs):
    model.train()
    train_loss = 0.0
    for x, y in train_loader:
        optimizer.zero_grad()
        loss = loss_fn(model(x), y)
        loss.backward()
        optimizer.step()
        train_loss += loss.item() * len(x)
    scheduler.step()

    model.eval()
    predicted, actual = [], []
    with torch.no_grad():
        for x, y in test_loader:
            predicted.append(model(x))
            actual.append(y)
    predicted, actual = torch.cat(predicted), torch.cat(actual)
    r2 = 1 - ((predicted - actual) ** 2).mean() / actual.var()
    print(f"epoch {epoch + 1}: train {train_loss / len(train_part):.4f}  R2 {r2.item():.4f}")

print(f"score: {r2.item():.4f}")
