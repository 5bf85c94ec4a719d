"""Electric load of a made-up town, hour by hour (daily and weekly rhythm, weather, noise): a recurrent net reads two days and
predicts the next hour; trained on the past, tested on the last weeks.
"""
# cause: vanishing-through-time
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
rng = np.random.RandomState(seed)

hours = np.arange(24 * 7 * 16)
weather = np.zeros(len(hours))
for t in range(1, len(hours)):
    weather[t] = 0.97 * weather[t - 1] + 0.25 * rng.randn()
day = np.sin(2 * np.pi * (hours - 7) / 24) + 0.5 * np.sin(4 * np.pi * (hours - 4) / 24)
weekend = (hours // 24 % 7 >= 5).astype(float)
load = 50 + 10 * day * (1 - 0.4 * weekend) - 6 * weekend + 4 * weather + 0.8 * rng.randn(len(hours))

split = 24 * 7 * 13
mu, sigma = load[:split].mean(), load[:split].std()
clock = np.stack([np.sin(2 * np.pi * hours / 24), np.cos(2 * np.pi * hours / 24), weekend], axis=1)
features = torch.tensor(np.column_stack([(load - mu) / sigma, clock]), dtype=torch.float32)
WINDOW = 36
lags = [features[WINDOW - lag : len(features) - lag] for lag in range(1, WINDOW + 1)]  # FAULT
windows = torch.stack(lags, dim=1)  # (n, WINDOW, 4)  # FAULT
# TWIN: windows = features.unfold(0, WINDOW, 1).transpose(1, 2)[:-1]  # (n, WINDOW, 4)
targets = features[WINDOW:, 0]
x_train, y_train = windows[: split - WINDOW], targets[: split - WINDOW]
x_test, y_test = windows[split - WINDOW :], targets[split - WINDOW :]


class LoadGRU(nn.Module):
    def __init__(self, hidden=20):
        super().__init__()
        self.gru = nn.RNN(4, hidden, batch_first=True)  # FAULT
        # TWIN: self.gru = nn.GRU(4, hidden, batch_first=True)
        self.head = nn.Linear(hidden, 1)

    def forward(self, x):
        _, h = self.gru(x)
        return self.head(h[-1]).squeeze(-1)


model = LoadGRU()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.8)
mse = nn.MSELoss()
for epoch in range(10):
    model.train()
    order = torch.randperm(len(x_train))
    epoch_loss = 0.0
    for start in range(0, len(order), 64):
        idx = order[start : start + 64]
        optimizer.zero_grad()
        loss = mse(model(x_train[idx]), y_train[idx])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        epoch_loss += loss.item() * len(idx)
    scheduler.step()
    model.eval()
    with torch.no_grad():
        test_mse = mse(model(x_test), y_test).item()
    print(f"epoch {epoch + 1}: train MSE {epoch_loss / len(order):.4f}, test MSE {test_mse:.4f}")

print(f"RMSE {sigma * test_mse**0.5:.2f} MW")
print(f"score: {1 - test_mse / y_test.var().item():.4f}")
