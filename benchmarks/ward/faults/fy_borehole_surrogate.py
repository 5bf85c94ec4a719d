"""Surrogate for a groundwater code: learns the flow through a borehole from its eight design parameters
so that the uncertainty study need not call the code a million times.
"""
# cause: saturated-units
# kind: dynamic

import math
import sys

import numpy as np
import torch
import torch.nn as nn

LOW = np.array([0.05, 100, 63070, 990, 63.1, 700, 1120, 9855])
HIGH = np.array([0.15, 50000, 115600, 1110, 116, 820, 1680, 12045])


def simulate(n, rng):
    """Flow rate of n boreholes; the eight parameters are drawn uniformly and scaled to [-1, 1]."""
    z = rng.uniform(-1, 1, (n, 8))
    rw, r, tu, hu, tl, hl, length, kw = (LOW + (z + 1) / 2 * (HIGH - LOW)).T
    log_ratio = np.log(r / rw)
    flow = 2 * math.pi * tu * (hu - hl) / (log_ratio * (1 + 2 * length * tu / (log_ratio * rw**2 * kw) + tu / tl))
    return torch.tensor(z, dtype=torch.float32), torch.tensor(flow, dtype=torch.float32).unsqueeze(1)


class ScaledTanh(nn.Module):
    """tanh with an adjustable slope."""

    def __init__(self, slope=1.0):
        super().__init__()
        self.slope = slope

    def forward(self, z):
        return torch.tanh(self.slope * z)


def make_surrogate(width=48, depth=6):
    layers, d = [], 8
    for _ in range(depth):
        layers.append(nn.Linear(d, width))
        layers.append(ScaledTanh(slope=10.0))  # FAULT
        # TWIN: layers.append(ScaledTanh(slope=1.0))
        d = width
    layers.append(nn.Linear(d, 1))
    return nn.Sequential(*layers)


def r2(model, z, flow):
    with torch.no_grad():
        return 1 - ((model(z) - flow).pow(2).mean() / flow.var(unbiased=False)).item()


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    z_train, flow_train = simulate(400, rng)
    z_val, flow_val = simulate(600, rng)

    mean, std = flow_train.mean(), flow_train.std()
    flow_train, flow_val = (flow_train - mean) / std, (flow_val - mean) / std

    model = make_surrogate()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    epochs, batch = 36, 20
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs)
    for epoch in range(epochs):
        order = torch.randperm(len(z_train))
        mean_loss = 0.0
        for k in range(0, len(order), batch):
            pick = order[k : k + batch]
            loss = (model(z_train[pick]) - flow_train[pick]).pow(2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            mean_loss += loss.item() * len(pick) / len(order)
        scheduler.step()
        if (epoch + 1) % 4 == 0:
            print(f"epoch {epoch + 1:2d}: mse {mean_loss:.5f}, validation R2 {r2(model, z_val, flow_val):.4f}")

    print(f"score: {r2(model, z_val, flow_val):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
