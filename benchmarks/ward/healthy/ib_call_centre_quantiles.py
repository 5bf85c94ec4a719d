"""Waiting times in a call centre as three quantiles, by the pinball loss; the steps between quantiles are softplus of
the outputs, so they cannot cross."""

import sys

import torch
import torch.nn.functional as F
from torch import nn

LEVELS = torch.tensor([0.1, 0.5, 0.9])


def calls(n):
    x = torch.randn(n, 4)
    center = torch.sin(1.5 * x[:, 0]) + 0.5 * x[:, 1]
    spread = 0.3 + 0.6 * torch.sigmoid(2 * x[:, 2])
    return x, center + spread * torch.randn(n), center, spread


class Quantiles(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 3))

    def forward(self, x):
        low, step1, step2 = self.body(x).unbind(1)
        middle = low + F.softplus(step1)
        return torch.stack([low, middle, middle + F.softplus(step2)], dim=1)


def pinball(quantiles, y):
    gap = y.unsqueeze(1) - quantiles
    return torch.maximum(LEVELS * gap, (LEVELS - 1) * gap).mean()


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    x, y, _, _ = calls(4000)
    x_val, y_val, center, spread = calls(1000)
    net = Quantiles()
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 5, 0.4)
    for epoch in range(14):
        for idx in torch.randperm(len(x)).split(64):
            loss = pinball(net(x[idx]), y[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        scheduler.step()
        with torch.no_grad():
            out = net(x_val)
        inside = ((y_val > out[:, 0]) & (y_val < out[:, 2])).float().mean().item()
        print(f"epoch {epoch} loss {loss.item():.4f} val {pinball(out, y_val).item():.4f} within {inside:.3f}")
    true = center.unsqueeze(1) + spread.unsqueeze(1) * torch.tensor([-1.2816, 0.0, 1.2816])
    print(f"score: {1 - (F.mse_loss(out, true) / true.var()).item():.4f}")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
