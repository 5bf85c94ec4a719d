"""Freight of a harbour next week, in tonnes, from indicators of trade. The office thinks in tonnes, so the network does
too."""
# cause: unscaled-targets
# accept: learning-rate-too-low
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
rng = np.random.default_rng(seed)


def weeks(n):
    x = rng.normal(size=(n, 10)).astype(np.float32)
    trade = x[:, 0] + 0.6 * x[:, 1] * x[:, 2] + np.abs(x[:, 3]) - 0.5 * x[:, 4] + 0.1 * rng.normal(size=n)
    return torch.from_numpy(x), torch.from_numpy((480_000 + 90_000 * trade).astype(np.float32)).unsqueeze(1)


x, tonnes = weeks(2500)
x_test, tonnes_test = weeks(500)
center, unit = 0.0, 1.0  # FAULT
# TWIN: center, unit = tonnes.mean(), tonnes.std()
y = (tonnes - center) / unit

model = nn.Sequential(nn.Linear(10, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
criterion = nn.MSELoss()


def r2():
    with torch.no_grad():
        predicted = model(x_test) * unit + center
    return 1 - ((predicted - tonnes_test) ** 2).mean().item() / tonnes_test.var().item()


for epoch in range(20):
    model.train()
    epoch_loss = 0.0
    for idx in torch.randperm(len(x)).split(64):
        optimizer.zero_grad()
        loss = criterion(model(x[idx]), y[idx])
        loss.backward()
        optimizer.step()
        epoch_loss += loss.item() * len(idx) / len(x)
    model.eval()
    print(f"epoch {epoch + 1:2d} loss {epoch_loss:.5g} R2 {r2():.4f}")
print(f"score: {r2():.4f}")
