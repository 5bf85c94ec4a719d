"""One-step forecast of a noisy sum of two sines with an LSTM over windows of 24 points."""

import sys

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
rng = np.random.default_rng(seed)


class Forecaster(nn.Module):
    def __init__(self, hidden=24):
        super().__init__()
        self.lstm = nn.LSTM(input_size=1, hidden_size=hidden, batch_first=True)
        self.out = nn.Linear(hidden, 1)

    def forward(self, x):
        h, _ = self.lstm(x)
        return self.out(h[:, -1])


t = np.arange(1100)
series = np.sin(2 * np.pi * t / 25) + 0.6 * np.sin(2 * np.pi * t / 11 + 1) + 0.05 * rng.standard_normal(len(t))
series = (series - series[:800].mean()) / series[:800].std()
W = 24
windows = np.stack([series[i : i + W] for i in range(len(series) - W)])
targets = series[W:]
x = torch.tensor(windows, dtype=torch.float32).unsqueeze(-1)
y = torch.tensor(targets, dtype=torch.float32).unsqueeze(-1)
train_dl = DataLoader(TensorDataset(x[:776], y[:776]), batch_size=32, shuffle=True)
x_val, y_val = x[800:], y[800:]

model = Forecaster()
loss_fn = nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)

for epoch in range(12):
    model.train()
    running = 0.0
    for xb, yb in train_dl:
        optimizer.zero_grad()
        loss = loss_fn(model(xb), yb)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        running += loss.item()
    model.eval()
    with torch.no_grad():
        val = loss_fn(model(x_val), y_val).item()
    print(f"epoch {epoch + 1:2d}  train mse {running / len(train_dl):.4f}  val mse {val:.4f}")

print(f"score: {1 - val / y_val.var().item():.4f}")
