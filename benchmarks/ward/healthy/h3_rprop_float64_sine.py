"""Fit of a damped sine in double precision, full batch, with Rprop (the classic choice for small full-batch fits).
The score is R2 on a grid between the training points.
"""

import sys

import numpy as np
import torch

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
rng = np.random.default_rng(seed)
torch.set_default_dtype(torch.float64)


def target(x):
    return np.exp(-0.4 * np.abs(x)) * np.sin(3 * x)


x_np = np.sort(rng.uniform(-3, 3, 150))
x = torch.from_numpy(x_np)[:, None]
y = torch.from_numpy(target(x_np) + 0.03 * rng.standard_normal(150))[:, None]
grid = np.linspace(-2.9, 2.9, 241)

net = torch.nn.Sequential(
    torch.nn.Linear(1, 24), torch.nn.Tanh(), torch.nn.Linear(24, 24), torch.nn.Tanh(), torch.nn.Linear(24, 1)
)
optim = torch.optim.Rprop(net.parameters(), lr=1e-3, step_sizes=(1e-7, 0.5))

for it in range(900):
    optim.zero_grad()
    mse = (net(x) - y).pow(2).mean()
    mse.backward()
    optim.step()
    if it % 150 == 0:
        print("iteration", it, "mse", round(mse.item(), 6))

with torch.no_grad():
    prediction = net(torch.from_numpy(grid)[:, None])[:, 0].numpy()
truth = target(grid)
print(f"final mse {mse.item():.6f}")
print(f"score: {1 - np.mean((prediction - truth) ** 2) / truth.var():.4f}")
