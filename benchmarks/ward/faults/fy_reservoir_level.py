"""Rainfall-runoff model: hourly rain and temperature over two and a half days go through a small recurrent cell
that forecasts the level of a reservoir at the end of the window.
"""
# cause: exploding-through-time
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn

HOURS = 60


def simulate(n, rng):
    """Linear storage with evaporation: wet and dry spells, daily temperature cycle."""
    hours = np.arange(HOURS)
    wet = rng.random((n, HOURS)) < 0.12
    rain = wet * rng.gamma(1.5, 1.0, (n, HOURS))
    temp = rng.normal(0, 1, (n, 1)) + np.sin(2 * np.pi * (hours - 9) / 24) + 0.2 * rng.normal(size=(n, HOURS))
    level = np.zeros(n)
    for t in range(HOURS):
        level = np.maximum(level + rain[:, t] - 0.05 * level - 0.04 * np.maximum(temp[:, t], 0), 0)
    level = level + 0.05 * rng.normal(size=n)
    x = np.stack([(rain - rain.mean()) / rain.std(), (temp - temp.mean()) / temp.std()], axis=-1)
    y = (level - level.mean()) / level.std()
    return torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)


class StorageCell(nn.Module):
    """Keeps its state from hour to hour and updates it with what the forcing brings."""

    def __init__(self, n_in, n_hidden):
        super().__init__()
        self.inp = nn.Linear(n_in, n_hidden)
        self.rec = nn.Linear(n_hidden, n_hidden, bias=False)

    def forward(self, x, h):
        update = self.inp(x) + self.rec(h)
        return h + torch.relu(update)  # FAULT
        # TWIN: return 0.9 * h + 0.1 * torch.tanh(update)


class Reservoir(nn.Module):
    def __init__(self, n_in=2, n_hidden=32):
        super().__init__()
        self.n_hidden = n_hidden
        self.cell = StorageCell(n_in, n_hidden)
        self.readout = nn.Linear(n_hidden, 1)

    def forward(self, x):
        h = x.new_zeros(x.shape[0], self.n_hidden)
        for t in range(x.shape[1]):
            h = self.cell(x[:, t], h)
        return self.readout(h).squeeze(-1)


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    x, y = simulate(1600, rng)
    x_train, y_train, x_val, y_val = x[:1200], y[:1200], x[1200:], y[1200:]

    net = Reservoir()
    optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
    mse = nn.MSELoss()
    step = 0
    for epoch in range(14):
        perm = torch.randperm(len(x_train))
        total = 0.0
        for i in range(0, len(perm), 48):
            batch = perm[i : i + 48]
            optimizer.zero_grad()
            loss = mse(net(x_train[batch]), y_train[batch])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(batch)
            step += 1
        with torch.no_grad():
            val = mse(net(x_val), y_val).item()
        print(f"epoch {epoch + 1:2d} ({step} steps)  train mse {total / len(perm):.4g}  val mse {val:.4g}")

    with torch.no_grad():
        residual = (net(x_val) - y_val).pow(2).mean()
    r2 = 1 - residual / y_val.var(unbiased=False)
    print(f"score: {r2.item():.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
