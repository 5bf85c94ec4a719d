"""Browning of a biscuit from sixteen oven readings, by a highway network of six blocks.

Highway gates should begin on the closed side, so that a deep stack passes its input on at first.
"""
# cause: saturated-units
# accept: bad-initialization
# kind: dynamic

import argparse

import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("seed", type=int, nargs="?", default=0)
parser.add_argument("--epochs", type=int, default=16)
args = parser.parse_args()
torch.set_num_threads(1)
torch.manual_seed(args.seed)

GATE_START = -12.0  # FAULT
# TWIN: GATE_START = -1.0


class HighwayBlock(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.change = nn.Linear(width, width)
        self.gate = nn.Linear(width, width)
        nn.init.constant_(self.gate.bias, GATE_START)

    def forward(self, h):
        g = torch.sigmoid(self.gate(h))
        return g * torch.relu(self.change(h)) + (1 - g) * h


class Highway(nn.Sequential):
    def __init__(self, inputs=16, width=40, blocks=6):
        super().__init__(nn.Linear(inputs, width), *[HighwayBlock(width) for _ in range(blocks)], nn.Linear(width, 1))


def biscuits(n, mixing):
    readings = torch.randn(n, 16)
    h = readings @ mixing
    brown = torch.sin(1.5 * h[:, :1]) + h[:, 1:2] * h[:, 2:3] + h[:, 3:4].abs()
    return readings, (brown - 0.8) / 1.35 + 0.05 * torch.randn(n, 1)


mixing = torch.linalg.qr(torch.randn(16, 4))[0]
x, y = biscuits(3000, mixing)
x_val, y_val = biscuits(500, mixing)
model = Highway()
optimizer = torch.optim.SGD(model.parameters(), lr=0.03, momentum=0.9)
schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, args.epochs)
for epoch in range(args.epochs):
    total = 0.0
    for rows in torch.randperm(len(x)).split(50):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x[rows]), y[rows])
        loss.backward()
        optimizer.step()
        total += loss.item() * len(rows)
    schedule.step()
    with torch.no_grad():
        error = nn.functional.mse_loss(model(x_val), y_val)
        r2 = 1 - (error / y_val.var()).item()
    print(f"epoch {epoch:2d}  train {total / len(x):.4f}  val {error.item():.4f}  R2 {r2:.4f}")
print(f"score: {r2:.4f}")
