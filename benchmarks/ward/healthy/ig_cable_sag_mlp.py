"""Sag of overhead cables from span, tension, ice, wind and temperature: a plain regressor on standardized columns."""

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
rng = np.random.default_rng(seed)

n = 4000
span = rng.uniform(120, 420, n)
tension = rng.uniform(15e3, 40e3, n)
ice = rng.exponential(4.0, n)
wind = rng.weibull(2.0, n) * 8
temperature = rng.normal(8, 12, n)
weight = 14 + 0.9 * ice + 0.02 * wind**2
sag = weight * span**2 / (8 * tension) * (1 + 0.004 * (temperature - 8)) + rng.normal(0, 0.4, n)

x = np.column_stack([span, tension, ice, wind, temperature])
x_train, x_test, y_train, y_test = x[:3200], x[3200:], sag[:3200], sag[3200:]
mean, std = x_train.mean(0), x_train.std(0)
x_train, x_test = (x_train - mean) / std, (x_test - mean) / std
y_mean, y_std = y_train.mean(), y_train.std()

train_set = TensorDataset(
    torch.tensor(x_train, dtype=torch.float32),
    torch.tensor((y_train - y_mean) / y_std, dtype=torch.float32).unsqueeze(1),
)
train_loader = DataLoader(train_set, batch_size=64, shuffle=True)
x_test = torch.tensor(x_test, dtype=torch.float32)

model = nn.Sequential(nn.Linear(5, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
loss_fn = nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=15, gamma=0.3)

for epoch in range(40):
    model.train()
    epoch_loss = 0.0
    for inputs, targets in train_loader:
        optimizer.zero_grad()
        loss = loss_fn(model(inputs), targets)
        loss.backward()
        optimizer.step()
        epoch_loss += loss.item() * len(inputs)
    scheduler.step()
    if (epoch + 1) % 5 == 0:
        print(f"Epoch {epoch + 1}/40, loss {epoch_loss / len(train_set):.4f}")

model.eval()
with torch.no_grad():
    predicted = model(x_test).squeeze(1).numpy() * y_std + y_mean
error = ((predicted - y_test) ** 2).mean()
print(f"test RMSE {error**0.5:.3f} m")
print(f"score: {1 - error / y_test.var():.4f}")
