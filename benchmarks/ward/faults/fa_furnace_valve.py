"""Learn the opening of a furnace valve from twelve standardized sensors: an MLP of tanh units, L1 loss.

The operators wanted units that switch like relays do, hence the steepness in front of the tanh.
"""
# cause: saturated-units
# kind: dynamic

import argparse

import torch
import torch.nn as nn

parser = argparse.ArgumentParser()
parser.add_argument("seed", type=int, nargs="?", default=0)
parser.add_argument("--epochs", type=int, default=30)
parser.add_argument("--lr", type=float, default=2e-3)
parser.add_argument("--hidden", type=int, default=64)
parser.add_argument("--steepness", type=float, default=40.0)  # FAULT
# TWIN: parser.add_argument("--steepness", type=float, default=1.0)
args = parser.parse_args()
torch.set_num_threads(1)
torch.manual_seed(args.seed)


class Relay(nn.Module):
    """A layer of soft switches."""

    def __init__(self, n_in, n_out, steepness):
        super().__init__()
        self.linear = nn.Linear(n_in, n_out)
        self.steepness = steepness

    def forward(self, x):
        return torch.tanh(self.steepness * self.linear(x))


class ValveNet(nn.Module):
    def __init__(self, hidden, steepness):
        super().__init__()
        self.body = nn.Sequential(
            Relay(12, hidden, steepness), Relay(hidden, hidden, steepness), Relay(hidden, hidden, steepness)
        )
        self.opening = nn.Linear(hidden, 1)

    def forward(self, x):
        return self.opening(self.body(x)).squeeze(1)


def readings(n):
    x = torch.randn(n, 12)
    y = torch.sin(1.5 * x[:, 0]) + 0.6 * x[:, 1] * x[:, 2] + 0.5 * x[:, 3] - 0.4 * x[:, 4].abs() + 0.3 * x[:, 5]
    return x, y + 0.1 * torch.randn(n)


x, y = readings(6000)
x_val, y_val = readings(1000)
mean, std = y.mean(), y.std()
y, y_val = (y - mean) / std, (y_val - mean) / std
net = ValveNet(args.hidden, args.steepness)
optimizer = torch.optim.Adam(net.parameters(), lr=args.lr)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=args.epochs)
for epoch in range(args.epochs):
    net.train()
    total = 0.0
    for rows in torch.randperm(len(x)).split(60):
        optimizer.zero_grad()
        loss = nn.functional.l1_loss(net(x[rows]), y[rows])
        loss.backward()
        optimizer.step()
        total += loss.item() * len(rows)
    scheduler.step()
    net.eval()
    with torch.no_grad():
        r2 = 1 - (net(x_val) - y_val).pow(2).mean().item() / y_val.var().item()
    if epoch % 5 == 4:
        print(f"epoch {epoch + 1} train L1 {total / len(x):.4f} val R2 {r2:.4f}")
print(f"score: {r2:.4f}")
