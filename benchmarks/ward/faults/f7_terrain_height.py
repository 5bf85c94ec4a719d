"""Height of a landscape as a function of two coordinates, from many measured points. Three hidden units are expected to
draw all its hills."""
# cause: underfitting
# kind: dynamic

import argparse

import torch
from torch import nn


def height(xy):
    x, y = xy[:, 0], xy[:, 1]
    hills = torch.exp(-4 * ((x - 0.4) ** 2 + (y - 0.5) ** 2)) + torch.exp(-6 * ((x + 0.5) ** 2 + (y + 0.3) ** 2))
    return (hills + 0.4 * torch.sin(3 * x) * torch.cos(4 * y) - 0.25) / 0.35


class Terrain(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(2, hidden), nn.Tanh(), nn.Linear(hidden, hidden), nn.Tanh())
        self.top = nn.Linear(hidden, 1)

    def forward(self, xy):
        return self.top(self.net(xy)).squeeze(-1)


def fit(args):
    torch.manual_seed(args.seed)
    xy = 2 * torch.rand(3000, 2) - 1
    z = height(xy) + 0.05 * torch.randn(3000)
    xy_test = 2 * torch.rand(1000, 2) - 1
    z_test = height(xy_test)
    model = Terrain(args.hidden)
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, args.epochs)
    for epoch in range(args.epochs):
        total = 0.0
        for idx in torch.randperm(3000).split(60):
            loss = (model(xy[idx]) - z[idx]).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        scheduler.step()
        with torch.no_grad():
            error = (model(xy_test) - z_test).square().mean().item()
        if epoch % 5 == 4:
            print(f"epoch {epoch + 1} train mse {total / 50:.4f} test mse {error:.4f}")
    return 1 - error / z_test.var().item()


parser = argparse.ArgumentParser()
parser.add_argument("seed", type=int, nargs="?", default=0)
parser.add_argument("--epochs", type=int, default=40)
parser.add_argument("--lr", type=float, default=1e-2)
parser.add_argument("--hidden", type=int, default=3)  # FAULT
# TWIN: parser.add_argument("--hidden", type=int, default=48)
torch.set_num_threads(1)
print(f"score: {fit(parser.parse_args()):.4f}")
