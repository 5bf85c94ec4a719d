"""Predicts a smooth nonlinear function of six standardised columns with a three-layer tanh network and Adam.

The weights are drawn with standard deviation 4, so the tanh units sit at -1 or 1 for nearly every row.
"""
# cause: saturated-units
# accept: bad-initialization
# kind: dynamic

import argparse

import numpy as np
import torch
from torch import nn


def make_table(n, rng):
    x = rng.normal(size=(n, 6))
    y = np.sin(x[:, 0]) + 0.5 * x[:, 1] * x[:, 2] + 0.7 * x[:, 3] - 0.3 * x[:, 4] ** 2
    y = (y - y.mean()) / y.std() + 0.1 * rng.normal(size=n)
    return torch.from_numpy(x.astype(np.float32)), torch.from_numpy(y.astype(np.float32))


class TanhNet(nn.Module):
    def __init__(self, n_in, hidden):
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(n_in, hidden),
            nn.Tanh(),
            nn.Linear(hidden, hidden),
            nn.Tanh(),
            nn.Linear(hidden, hidden),
            nn.Tanh(),
        )
        self.head = nn.Linear(hidden, 1)
        for m in self.body:
            if isinstance(m, nn.Linear):
                nn.init.normal_(m.weight, std=4.0)  # FAULT
                # TWIN: nn.init.xavier_uniform_(m.weight, gain=nn.init.calculate_gain("tanh"))

    def forward(self, x):
        return self.head(self.body(x)).squeeze(-1)


if __name__ == "__main__":
    ap = argparse.ArgumentParser()
    ap.add_argument("seed", nargs="?", type=int, default=0)
    cfg = ap.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(cfg.seed)
    rng = np.random.default_rng(cfg.seed)

    x, y = make_table(2000, rng)
    x_val, y_val = make_table(500, rng)
    model = TanhNet(6, 40)
    opt = torch.optim.Adam(model.parameters(), lr=2e-3)
    loss_fn = nn.MSELoss()
    for epoch in range(20):
        for rows in torch.randperm(len(x)).split(64):
            opt.zero_grad()
            loss = loss_fn(model(x[rows]), y[rows])
            loss.backward()
            opt.step()
        with torch.no_grad():
            val = loss_fn(model(x_val), y_val).item()
        if epoch % 4 == 3:
            print(f"epoch {epoch + 1}: val mse {val:.4f}")
    r2 = 1 - val / y_val.var(unbiased=False).item()
    print(f"score: {r2:.4f}")
