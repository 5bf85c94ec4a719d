"""Torque of an engine from speed, load, spark angle and mixture; the net has to fit an old controller."""
# cause: underfitting
# kind: dynamic

import sys
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


@dataclass
class Config:
    rows: int = 6000
    hidden: int = 2  # FAULT
    # TWIN: hidden: int = 64
    batch: int = 64
    epochs: int = 25
    rate: float = 3e-3
    seed: int = 0


def bench_runs(count, generator):
    """Dynamometer points; every column runs from -1 to 1."""
    points = generator.uniform(-1, 1, size=(count, 4))
    speed, load, spark, mixture = points.T
    best_spark = 0.5 * speed - 0.4 * load
    torque = (
        1.2 * load * (1 - 0.5 * speed**2)
        + 0.4 * np.sin(3.0 * speed)
        - 1.1 * (spark - best_spark) ** 2
        - 0.8 * (mixture - 0.2 * load) ** 2
        + 0.05 * generator.normal(size=count)
    )
    return points.astype(np.float32), torque.astype(np.float32)[:, None]


def build(config):
    return nn.Sequential(
        nn.Linear(4, config.hidden),
        nn.Tanh(),
        nn.Linear(config.hidden, config.hidden),
        nn.Tanh(),
        nn.Linear(config.hidden, 1),
    )


@torch.no_grad()
def r_squared(model, inputs, targets):
    model.eval()
    residual = ((model(inputs) - targets) ** 2).mean()
    return 1 - (residual / targets.var()).item()


def main(config):
    torch.set_num_threads(1)
    torch.manual_seed(config.seed)
    generator = np.random.default_rng(config.seed)
    inputs, torque = bench_runs(config.rows, generator)
    torque = (torque - torque.mean()) / torque.std()
    cut = config.rows * 4 // 5
    inputs, torque = torch.from_numpy(inputs), torch.from_numpy(torque)
    loader = DataLoader(TensorDataset(inputs[:cut], torque[:cut]), batch_size=config.batch, shuffle=True)

    model = build(config)
    optimizer = torch.optim.Adam(model.parameters(), lr=config.rate)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, config.epochs)
    for epoch in range(config.epochs):
        model.train()
        total = 0.0
        for x, y in loader:
            loss = nn.functional.mse_loss(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(x)
        scheduler.step()
        if epoch % 4 == 0 or epoch == config.epochs - 1:
            held_out = r_squared(model, inputs[cut:], torque[cut:])
            print(f"epoch {epoch:3d}  mse {total / cut:.4f}  held-out R2 {held_out:.4f}")
    print(f"score: {r_squared(model, inputs[cut:], torque[cut:]):.4f}")


if __name__ == "__main__":
    main(Config(seed=int(sys.argv[1]) if len(sys.argv) > 1 else 0))
