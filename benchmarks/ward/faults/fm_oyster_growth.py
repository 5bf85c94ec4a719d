"""Weight an oyster gains in a season from water measurements.

The optimizer and its numbers follow a well-known image model's recipe: RMSprop, smoothing 0.9, epsilon 1.0.
"""
# cause: optimizer-epsilon-too-large
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

COLUMNS = ["temperature", "salinity", "chlorophyll", "oxygen", "current", "depth", "density"]
RECIPE = dict(
    lr=2e-3,
    alpha=0.9,
    eps=1.0,  # FAULT
)


def season(n):
    x = rng.normal(size=(n, len(COLUMNS)))
    temperature, salinity, chlorophyll, oxygen, current = x[:, :5].T
    gain = np.exp(-(temperature**2)) * (1.5 + chlorophyll) + 0.5 * np.tanh(2 * salinity) * oxygen
    gain = gain - 0.4 * np.abs(current) + rng.normal(0, 0.1, n)
    return torch.tensor(x, dtype=torch.float32), torch.tensor((gain - 0.55) / 0.95, dtype=torch.float32)[:, None]


x_train, y_train = season(2500)
x_val, y_val = season(700)
net = nn.Sequential(
    nn.Linear(len(COLUMNS), 64),
    nn.GELU(),
    nn.Linear(64, 64),
    nn.GELU(),
    nn.Linear(64, 1),
)
criterion = nn.MSELoss()
optimizer = torch.optim.RMSprop(net.parameters(), **RECIPE)
scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.93)
for epoch in range(30):
    net.train()
    total = 0.0
    for rows in torch.randperm(len(x_train)).split(50):
        optimizer.zero_grad()
        loss = criterion(net(x_train[rows]), y_train[rows])
        loss.backward()
        optimizer.step()
        total += loss.item() * len(rows)
    scheduler.step()
    net.eval()
    with torch.no_grad():
        val_loss = criterion(net(x_val), y_val).item()
    r2 = 1 - val_loss / y_val.var(unbiased=False).item()
    if (epoch + 1) % 3 == 0:
        print(f"epoch {epoch + 1}: train {total / len(x_train):.4f} validation {val_loss:.4f} r2 {r2:.4f}")
print(f"score: {r2:.4f}")
