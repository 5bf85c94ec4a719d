"""N-BEATS (generic blocks with backcast and forecast, doubly residual) on many short seasonal series; the last part of
every series is held out. Windows are scaled by their own level.

After https://github.com/philipperemy/n-beats and Oreshkin et al., https://arxiv.org/abs/1905.10437
"""

import sys

import numpy as np
import torch
from torch import nn, optim
from torch.nn import functional as F

BACKCAST, FORECAST = 36, 12


def make_series(rng, n_series=60, length=180):
    t = np.arange(length)
    level = rng.uniform(50, 500, (n_series, 1))
    slope = rng.normal(0, 0.002, (n_series, 1))
    season = sum(
        rng.uniform(0.05, 0.25, (n_series, 1)) * np.sin(2 * np.pi * k * t / 12 + rng.uniform(0, 6.28, (n_series, 1)))
        for k in (1, 2)
    )
    noise = 0.03 * rng.normal(size=(n_series, length))
    return (level * (1 + slope * t + season + noise)).astype(np.float32)


class Block(nn.Module):
    def __init__(self, units, theta_dim):
        super().__init__()
        self.fc = nn.Sequential(
            nn.Linear(BACKCAST, units),
            nn.ReLU(),
            nn.Linear(units, units),
            nn.ReLU(),
            nn.Linear(units, units),
            nn.ReLU(),
        )
        self.theta_b, self.theta_f = nn.Linear(units, theta_dim, bias=False), nn.Linear(units, theta_dim, bias=False)
        self.backcast, self.forecast = nn.Linear(theta_dim, BACKCAST), nn.Linear(theta_dim, FORECAST)

    def forward(self, x):
        h = self.fc(x)
        return self.backcast(self.theta_b(h)), self.forecast(self.theta_f(h))


class NBeats(nn.Module):
    def __init__(self, n_blocks=3, units=64, theta_dim=12):
        super().__init__()
        self.blocks = nn.ModuleList(Block(units, theta_dim) for _ in range(n_blocks))

    def forward(self, x):
        scale = x.mean(dim=1, keepdim=True)
        residual = x / scale - 1.0
        forecast = 0.0
        for i, block in enumerate(self.blocks):
            backcast, f = block(residual)
            residual = residual - backcast
            forecast = forecast + f
        return (forecast + 1.0) * scale


def windows(series):
    w = torch.from_numpy(series).unfold(1, BACKCAST + FORECAST, 1).reshape(-1, BACKCAST + FORECAST)
    return w[:, :BACKCAST], w[:, BACKCAST:]


def smape(pred, y):
    return (200 * (pred - y).abs() / (pred.abs() + y.abs())).mean()


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    series = make_series(np.random.default_rng(seed))
    x_train, y_train = windows(series[:, :-FORECAST])
    x_test, y_test = torch.from_numpy(series[:, -BACKCAST - FORECAST :]).split([BACKCAST, FORECAST], dim=1)

    net = NBeats()
    optimizer = optim.Adam(net.parameters(), lr=2e-3)
    steps = 500
    scheduler = optim.lr_scheduler.MultiStepLR(optimizer, milestones=[300, 400], gamma=0.3)
    for step in range(1, steps + 1):
        rows = torch.randint(len(x_train), (128,))
        x, y = x_train[rows], y_train[rows]
        net.train()
        optimizer.zero_grad()
        scale = x.mean(dim=1, keepdim=True)
        loss = F.mse_loss(net(x) / scale, y / scale)
        loss.backward()
        optimizer.step()
        scheduler.step()
        if step % 50 == 0:
            print(f"grad_step = {step:05d}, tr_loss = {loss.item():.5f}")

    net.eval()
    with torch.no_grad():
        model_smape = smape(net(x_test), y_test).item()
    naive = smape(x_test[:, -FORECAST:], y_test).item()
    print(f"test sMAPE {model_smape:.3f}, seasonal naive {naive:.3f}")
    print(f"score: {1 - model_smape / naive:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
