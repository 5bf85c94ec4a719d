"""Remaining capacity of a lithium cell from one discharge curve (48 voltage samples, temperature, current).  Ridge
regression is printed for comparison."""

import sys

import numpy as np
import torch
from sklearn.linear_model import Ridge
from torch import nn

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
rng = np.random.default_rng(seed)
torch.manual_seed(seed)
torch.set_num_threads(1)

# --- data -----------------------------------------------------------------------------------------------------
N = 2000
health = rng.uniform(0.55, 1.0, N)
temperature = rng.uniform(0, 40, N)
current = rng.uniform(0.5, 2.0, N)
resistance = (0.06 + 0.4 * (1 - health)) * np.exp(0.025 * (25 - temperature))
drawn = np.linspace(0.02, 0.53, 48)[None, :] / health[:, None]  # fraction of the cell's own charge
ocv = 4.15 - 0.75 * drawn + 0.12 * np.tanh(8 * (0.35 - drawn)) - 0.02 / (1.02 - drawn)
voltage = ocv - (current * resistance)[:, None] + rng.normal(0, 0.015, (N, 48))
X = np.column_stack([voltage, temperature, current])
y = health

train, val, test = np.split(rng.permutation(N), [1400, 1600])
mu, sd = X[train].mean(axis=0), X[train].std(axis=0)
X = (X - mu) / sd
y_mu, y_sd = y[train].mean(), y[train].std()
Xt = torch.from_numpy(X).float()
yt = torch.from_numpy((y - y_mu) / y_sd).float()

# --- model and training ---------------------------------------------------------------------------------------
model = nn.Sequential(
    nn.Linear(50, 64),
    nn.LayerNorm(64),
    nn.GELU(),
    nn.Linear(64, 32),
    nn.GELU(),
    nn.Linear(32, 1),
    nn.Flatten(0),
)
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=1e-2)
steps = 40 * 14
scheduler = torch.optim.lr_scheduler.LinearLR(optimizer, start_factor=1.0, end_factor=0.02, total_iters=steps)

for epoch in range(40):
    model.train()
    for rows in np.array_split(rng.permutation(train), 14):
        rows = torch.from_numpy(rows)
        loss = (model(Xt[rows]) - yt[rows]).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
    if epoch % 8 == 7:
        model.eval()
        with torch.no_grad():
            fit = (model(Xt[train]) - yt[train]).square().mean().item()
            held = (model(Xt[val]) - yt[val]).square().mean().item()
        print(f"epoch {epoch + 1:3d} | train mse {fit:.4f} | val mse {held:.4f}")

# --- test -----------------------------------------------------------------------------------------------------
model.eval()
with torch.no_grad():
    error = (model(Xt[test]) - yt[test]).numpy() * y_sd
ridge = Ridge(alpha=1.0).fit(X[train], y[train])
print(f"capacity error: net {np.abs(error).mean():.4f}, ridge {np.abs(ridge.predict(X[test]) - y[test]).mean():.4f}")
print(f"score: {1 - np.mean(error**2) / np.var(y[test]):.4f}")
