"""Melt pressure of an extruder from ten settings (Friedman function); every weight starts at the same small number."""
# cause: symmetric-initialization
# accept: bad-initialization
# kind: dynamic

import sys

import numpy as np
import torch
from sklearn.datasets import make_friedman1
from torch import nn, optim

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
rng = np.random.default_rng(seed)

X, y = make_friedman1(n_samples=1600, n_features=10, noise=0.3, random_state=seed)
X = 2 * X - 1
n_fit = 1280
mu, sd = y[:n_fit].mean(), y[:n_fit].std()
X = torch.tensor(X, dtype=torch.float32)
y = torch.tensor((y - mu) / sd, dtype=torch.float32)
fit_x, fit_y, test_x, test_y = X[:n_fit], y[:n_fit], X[n_fit:], y[n_fit:]


def init_weights(m):
    if type(m) is nn.Linear:
        nn.init.constant_(m.weight, 0.05)  # FAULT
        # TWIN: nn.init.xavier_normal_(m.weight)
        m.bias.data.fill_(0.01)


model = nn.Sequential(nn.Linear(10, 64), nn.ELU(), nn.Linear(64, 32), nn.ELU(), nn.Linear(32, 1), nn.Flatten(0))
model.apply(init_weights)
optimizer = optim.Adam(model.parameters(), lr=3e-3)
mse = nn.MSELoss()

for epoch in range(32):
    epoch_loss = 0.0
    for rows in np.array_split(rng.permutation(n_fit), n_fit // 64):
        optimizer.zero_grad()
        loss = mse(model(fit_x[rows]), fit_y[rows])
        loss.backward()
        optimizer.step()
        epoch_loss += loss.item() * len(rows)
    if epoch % 4 == 3:
        with torch.no_grad():
            print(f"{epoch + 1:3d}: fit {epoch_loss / n_fit:.4f}, test {mse(model(test_x), test_y).item():.4f}")

with torch.no_grad():
    r2 = 1 - mse(model(test_x), test_y).item() / test_y.var(unbiased=False).item()
print(f"score: {r2:.4f}")
