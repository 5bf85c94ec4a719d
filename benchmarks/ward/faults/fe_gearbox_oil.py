"""Oil temperature of wind-turbine gearboxes from ten operating values, a plain regressor with batch normalization.

The workstation it was first run on shared its memory with three other jobs, hence the batch size in the config.
"""
# cause: batch-norm-tiny-batch
# kind: dynamic

import sys
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


@dataclass
class Config:
    seed: int = 0
    n_train: int = 1500
    n_val: int = 600
    width: int = 64
    batch_size: int = 2  # FAULT
    # TWIN: batch_size: int = 16
    epochs: int = 9
    rate: float = 5e-3


def operating_values(n, generator):
    x = torch.randn(n, 10, generator=generator)
    load = torch.tanh(x[:, 0] + 0.5 * x[:, 1])
    cooling = torch.relu(x[:, 2]) * (1 + 0.4 * x[:, 3])
    temperature = 1.2 * load - 0.8 * cooling + 0.6 * x[:, 4] * x[:, 5] + 0.4 * x[:, 6]
    return x, temperature.unsqueeze(1) + 0.15 * torch.randn(n, 1, generator=generator)


def regressor(width):
    return nn.Sequential(
        nn.Linear(10, width),
        nn.BatchNorm1d(width),
        nn.ReLU(),
        nn.Linear(width, width),
        nn.BatchNorm1d(width),
        nn.ReLU(),
        nn.Linear(width, 1),
    )


def r_squared(model, x, y):
    model.eval()
    with torch.no_grad():
        residual = ((model(x) - y) ** 2).mean()
    return 1 - (residual / y.var(unbiased=False)).item()


def main(cfg):
    torch.set_num_threads(1)
    torch.manual_seed(cfg.seed)
    generator = torch.Generator().manual_seed(cfg.seed)
    x, y = operating_values(cfg.n_train, generator)
    x_val, y_val = operating_values(cfg.n_val, generator)
    centre, spread = y.mean(), y.std()
    y, y_val = (y - centre) / spread, (y_val - centre) / spread

    loader = DataLoader(TensorDataset(x, y), batch_size=cfg.batch_size, shuffle=True, drop_last=True)
    model = regressor(cfg.width)
    optimizer = torch.optim.Adam(model.parameters(), lr=cfg.rate)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, cfg.epochs)
    for epoch in range(cfg.epochs):
        model.train()
        total = 0.0
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = F.mse_loss(model(xb), yb)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(xb)
        scheduler.step()
        print(f"epoch {epoch + 1:2d}  mse {total / cfg.n_train:.4f}  val R2 {r_squared(model, x_val, y_val):.4f}")
    print(f"score: {r_squared(model, x_val, y_val):.4f}")


if __name__ == "__main__":
    main(Config(seed=int(sys.argv[1]) if len(sys.argv) > 1 else 0))
