"""One-step forecast of the (noisy) logistic map from three lags. The activation is made in __init__ and never called
in forward, so the network is a linear map."""
# cause: missing-nonlinearity
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Forecaster(nn.Module):
    def __init__(self, lags, hidden=32):
        super().__init__()
        self.inp = nn.Linear(lags, hidden)
        self.mid = nn.Linear(hidden, hidden)
        self.out = nn.Linear(hidden, 1)
        self.act = nn.Tanh()

    def forward(self, x):
        x = self.inp(x)
        # TWIN: x = self.act(x)
        x = self.mid(x)
        # TWIN: x = self.act(x)
        return self.out(x).squeeze(-1)


def logistic_series(n, rng):
    s = [rng.uniform(0.2, 0.8)]
    for _ in range(n - 1):
        s.append(float(np.clip(3.9 * s[-1] * (1 - s[-1]), 0.001, 0.999)))
    return np.array(s) + 0.01 * rng.normal(size=n)


seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
rng = np.random.default_rng(seed)

LAGS = 3
series = logistic_series(2000, rng)
series = (series - series[:1500].mean()) / series[:1500].std()
windows = np.stack([series[i : i + LAGS] for i in range(len(series) - LAGS)])
X = torch.tensor(windows, dtype=torch.float32)
y = torch.tensor(series[LAGS:], dtype=torch.float32)
loader = DataLoader(TensorDataset(X[:1500], y[:1500]), batch_size=32, shuffle=True)
X_val, y_val = X[1503:], y[1503:]

model = Forecaster(LAGS)
optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)
criterion = nn.MSELoss()
for epoch in range(1, 21):
    model.train()
    losses = []
    for xb, yb in loader:
        optimizer.zero_grad()
        loss = criterion(model(xb), yb)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    model.eval()
    with torch.no_grad():
        val = criterion(model(X_val), y_val).item()
    print(f"Epoch {epoch:02d} | train {np.mean(losses):.4f} | val {val:.4f}")

print(f"score: {1 - val / y_val.var().item():.4f}")
