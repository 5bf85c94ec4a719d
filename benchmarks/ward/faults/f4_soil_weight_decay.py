"""Soil moisture regression with SGD and a weight decay of 0.3, which flattens the prediction to the mean."""
# cause: over-regularization
# kind: dynamic

import sys

import torch
from torch import nn

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)

x = torch.randn(1500, 8)
y = x[:, 0] - 0.7 * x[:, 1] + torch.tanh(2 * x[:, 2]) + 0.5 * x[:, 3] * x[:, 4] + 0.1 * torch.randn(1500)
y = ((y - y[:1200].mean()) / y[:1200].std()).unsqueeze(1)
x_train, y_train, x_val, y_val = x[:1200], y[:1200], x[1200:], y[1200:]

model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9, weight_decay=0.3)  # FAULT
# TWIN: optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9, weight_decay=1e-4)
criterion = nn.MSELoss()
for epoch in range(25):
    model.train()
    for idx in torch.randperm(1200).split(40):
        optimizer.zero_grad()
        loss = criterion(model(x_train[idx]), y_train[idx])
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        train_mse = criterion(model(x_train), y_train).item()
        val_mse = criterion(model(x_val), y_val).item()
    print(f"epoch {epoch + 1:2d} train {train_mse:.4f} val {val_mse:.4f}")
print(f"score: {1 - val_mse / y_val.var().item():.4f}")
