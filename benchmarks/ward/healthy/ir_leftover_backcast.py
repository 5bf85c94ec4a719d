"""N-BEATS for the daily takings of bakeries: blocks that each forecast a part and hand on what they have not explained.
The last block's backcast goes nowhere, as in the paper's own code, so that layer never gets a gradient. MAE loss on
windows scaled by their own mean; score: improvement over last week's values repeated.
"""

import sys

import numpy as np
import torch
import torch.nn as nn

torch.set_num_threads(1)
BACK, AHEAD = 28, 7


class Block(nn.Module):
    def __init__(self, width=64, theta=8):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(BACK, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU())
        self.backcast = nn.Sequential(nn.Linear(width, theta, bias=False), nn.Linear(theta, BACK))
        self.forecast = nn.Sequential(nn.Linear(width, theta, bias=False), nn.Linear(theta, AHEAD))

    def forward(self, x):
        h = self.body(x)
        return self.backcast(h), self.forecast(h)


class NBeats(nn.Module):
    def __init__(self, blocks=3):
        super().__init__()
        self.blocks = nn.ModuleList(Block() for _ in range(blocks))

    def forward(self, x):
        level = x.mean(1, keepdim=True)
        residual, total = x / level - 1, 0.0
        for block in self.blocks:
            back, ahead = block(residual)
            residual, total = residual - back, total + ahead
        return (total + 1) * level


def bakeries(rng, n=80, days=200):
    t = np.arange(days)
    week = 0.3 * rng.normal(size=(n, 7)).cumsum(1) * 0.4
    base = rng.uniform(200, 900, (n, 1))
    trend = 1 + rng.normal(0, 0.1, (n, 1)) * np.sin(2 * np.pi * (t / rng.uniform(60, 120, (n, 1)) + rng.random((n, 1))))
    shock = np.zeros((n, days))
    for i in range(1, days):
        shock[:, i] = 0.7 * shock[:, i - 1] + rng.normal(0, 0.05, n)
    return (base * trend * np.exp(week[:, t % 7] + shock + rng.normal(0, 0.04, (n, days)))).astype(np.float32)


def windows(series, start, stop):
    cut = np.lib.stride_tricks.sliding_window_view(series[:, start:stop], BACK + AHEAD, axis=1)
    flat = torch.tensor(cut.reshape(-1, BACK + AHEAD).copy())
    return flat[:, :BACK], flat[:, BACK:]


def relative_mae(out, y, x):
    return ((out - y).abs() / x.mean(1, keepdim=True)).mean()


if __name__ == "__main__":
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    series = bakeries(np.random.default_rng(seed))
    x, y = windows(series, 0, 150)
    x_test, y_test = windows(series, 150, 200)
    naive = relative_mae(x_test[:, -7:], y_test, x_test).item()
    net = NBeats()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 20)
    for epoch in range(1, 21):
        net.train()
        losses = []
        for idx in torch.randperm(len(x)).split(256):
            loss = relative_mae(net(x[idx]), y[idx], x[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        scheduler.step()
        net.eval()
        with torch.no_grad():
            test = relative_mae(net(x_test), y_test, x_test).item()
        if epoch % 4 == 0:
            print(f"epoch {epoch}: train {np.mean(losses):.4f} test {test:.4f} (seasonal naive {naive:.4f})")
    print(f"score: {1 - test / naive:.4f}")
