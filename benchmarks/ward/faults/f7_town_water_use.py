"""Water use per head of towns. Every column is a share between 0 and 1 but for the number of inhabitants, which is not
brought to that scale."""
# cause: feature-scale
# accept: unscaled-inputs
# kind: dynamic

import sys
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn


@dataclass
class Config:
    seed: int
    epochs: int = 40
    batch_size: int = 50
    lr: float = 0.02


def towns(n, rng):
    inhabitants = np.exp(rng.normal(10.2, 0.9, n))
    gardens, industry, rain, leaks, elderly = rng.random((5, n))
    use = 0.9 * gardens * (1 - rain) + 0.6 * industry**2 + 0.5 * leaks - 0.3 * np.sin(3 * elderly)
    use = use + 0.12 * (np.log(inhabitants) - 10.2) + rng.normal(0, 0.05, n)
    table = np.column_stack([inhabitants, gardens, industry, rain, leaks, elderly])
    return table, (use - 0.5) / 0.35


def make_model():
    return nn.Sequential(nn.Linear(6, 40), nn.Tanh(), nn.Linear(40, 20), nn.Tanh(), nn.Linear(20, 1))


def train(config):
    torch.manual_seed(config.seed)
    rng = np.random.default_rng(config.seed)
    x, y = towns(1500, rng)
    x_val, y_val = towns(400, rng)
    # TWIN: x[:, 0], x_val[:, 0] = (np.log(x[:, 0]) - 10.2) / 0.9, (np.log(x_val[:, 0]) - 10.2) / 0.9
    x, y, x_val, y_val = (torch.as_tensor(a, dtype=torch.float32) for a in (x, y, x_val, y_val))
    model = make_model()
    optimizer = torch.optim.SGD(model.parameters(), lr=config.lr, momentum=0.9)
    mse = nn.MSELoss()
    for epoch in range(1, config.epochs + 1):
        total = 0.0
        for idx in torch.randperm(len(x)).split(config.batch_size):
            optimizer.zero_grad()
            loss = mse(model(x[idx]).squeeze(-1), y[idx])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(idx)
        if epoch % 5 == 0:
            with torch.no_grad():
                val = mse(model(x_val).squeeze(-1), y_val).item()
            print(f"epoch {epoch:3d}  train {total / len(x):.4f}  val {val:.4f}")
    return 1 - val / y_val.var().item()


torch.set_num_threads(1)
print(f"score: {train(Config(seed=int(sys.argv[1]) if len(sys.argv) > 1 else 0)):.4f}")
