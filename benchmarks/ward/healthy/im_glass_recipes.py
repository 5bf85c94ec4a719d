"""Three properties of a glass from its eight oxides; full batch, a tanh network, two thousand Adam steps."""

import sys

import numpy as np
import torch
from torch import nn

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
rng = np.random.default_rng(seed)

# --- data -------------------------------------------------------------------
melts = 900
oxides = rng.dirichlet([20, 5, 4, 2, 2, 1.5, 1, 1], melts)
silica, soda, lime, potash, boron, alumina, lead, zinc = oxides.T
index = 1.46 + 0.5 * lead + 0.2 * lime + 0.1 * zinc - 0.1 * boron + 0.4 * lead * potash
softening = 1200 * silica - 900 * soda - 500 * potash + 900 * alumina + 2500 * soda * boron + 400
expansion = 40 * soda + 35 * potash + 10 * lime - 8 * np.sqrt(boron) + 60 * soda * potash
properties = np.stack([index, softening, expansion], axis=1)
properties = properties + 0.08 * properties.std(axis=0) * rng.normal(size=properties.shape)

split = 700
X = torch.tensor((oxides - oxides[:split].mean(0)) / oxides[:split].std(0), dtype=torch.float32)
Y = torch.tensor((properties - properties[:split].mean(0)) / properties[:split].std(0), dtype=torch.float32)
X_train, Y_train, X_test, Y_test = X[:split], Y[:split], X[split:], Y[split:]

# --- model ------------------------------------------------------------------
model = nn.Sequential(nn.Linear(8, 24), nn.Tanh(), nn.Linear(24, 24), nn.Tanh(), nn.Linear(24, 3))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3, weight_decay=1e-4)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=800, gamma=0.3)
criterion = nn.MSELoss()

# --- training ---------------------------------------------------------------
losses, val_losses = [], []
for step in range(2000):
    model.train()
    optimizer.zero_grad()
    loss = criterion(model(X_train), Y_train)
    loss.backward()
    optimizer.step()
    scheduler.step()
    losses.append(loss.item())
    if (step + 1) % 200 == 0:
        model.eval()
        with torch.no_grad():
            val_losses.append(criterion(model(X_test), Y_test).item())
        print(f"step {step + 1}: train {losses[-1]:.5f} test {val_losses[-1]:.5f}")

model.eval()
with torch.no_grad():
    residual = (model(X_test) - Y_test).pow(2).mean(dim=0) / Y_test.var(dim=0)
print(f"score: {1 - residual.mean().item():.4f}")
