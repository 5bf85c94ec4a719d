"""Nowcast quarterly GDP growth from 24 monthly indicators, averaged over the quarter and driven by two hidden factors.

A linear model with a bottleneck of two factors, full batch Adam with weight decay; the latest 80 quarters are held out.
"""

import sys

import numpy as np
import torch

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
rng = np.random.RandomState(seed)
torch.manual_seed(seed)

# two AR(1) factors, 24 indicators observed monthly, growth depends on the three-month mean of the factors
quarters = 320
factors = np.zeros((3 * quarters, 2))
for t in range(1, 3 * quarters):
    factors[t] = np.array([0.92, 0.7]) * factors[t - 1] + rng.randn(2) * np.array([0.4, 0.7])
loadings = rng.randn(2, 24)
indicators = factors @ loadings + 0.8 * rng.randn(3 * quarters, 24)
growth = 0.6 + factors.reshape(quarters, 3, 2).mean(1) @ np.array([0.7, -0.4]) + 0.15 * rng.randn(quarters)

X = torch.from_numpy(indicators.reshape(quarters, 3, 24).mean(axis=1)).float()
y = torch.from_numpy(growth).float().unsqueeze(1)
cut = 240
x_mean, x_std = X[:cut].mean(0), X[:cut].std(0)
X = (X - x_mean) / x_std
X_past, y_past, X_new, y_new = X[:cut], y[:cut], X[cut:], y[cut:]

model = torch.nn.Sequential(torch.nn.Linear(24, 2, bias=False), torch.nn.Linear(2, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=0.003, weight_decay=0.01)

for it in range(1001):
    optimizer.zero_grad()
    error = torch.nn.functional.mse_loss(model(X_past), y_past)
    error.backward()
    optimizer.step()
    if it % 100 == 0:
        with torch.no_grad():
            out_of_sample = torch.nn.functional.mse_loss(model(X_new), y_new)
        print(f"iter {it:4d}   in-sample mse {error.item():.4f}   out-of-sample mse {out_of_sample.item():.4f}")

with torch.no_grad():
    nowcast = model(X_new)
naive = ((y_new - y_past.mean()) ** 2).mean().item()
ours = ((y_new - nowcast) ** 2).mean().item()
print(f"historical mean mse {naive:.4f}, nowcast mse {ours:.4f}")
print(f"score: {1 - ours / naive:.4f}")
