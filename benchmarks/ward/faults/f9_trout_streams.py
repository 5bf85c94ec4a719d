"""Trout per hundred metres of stream from a habitat survey. The columns come as the rangers wrote them down: catchment
in hectares, altitude in metres, the rest in the units of their instruments."""
# cause: feature-scale
# accept: unscaled-inputs
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

SEED = int(sys.argv[1]) if len(sys.argv) > 1 else 0
CONFIG = dict(hidden=48, lr=2e-3, epochs=40, batch=64)


def survey(n, rng):
    shade = rng.beta(2, 2, n)
    gravel = rng.beta(3, 2, n)
    slope = rng.gamma(4, 0.25, n)
    oxygen = rng.normal(0, 1, n)
    catchment = rng.uniform(2000, 60000, n)
    altitude = rng.uniform(200, 2400, n)
    cold = (altitude - 1300) / 640
    trout = 1.4 * np.sin(5 * shade) + 2 * gravel * oxygen - (slope - 1) ** 2 - 0.4 * cold**2 + catchment / 60000
    trout = trout + rng.normal(0, 0.25, n)
    return np.stack([shade, gravel, slope, oxygen, catchment, altitude], axis=1), trout


class Habitat(nn.Module):
    def __init__(self, n_features, hidden):
        super().__init__()
        self.fc1 = nn.Linear(n_features, hidden)
        self.fc2 = nn.Linear(hidden, hidden)
        self.out = nn.Linear(hidden, 1)

    def forward(self, x):
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        return self.out(x).squeeze(1)


def main():
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    rng = np.random.default_rng(SEED)
    x, y = survey(2400, rng)
    x_test, y_test = survey(600, rng)
    # TWIN: mean, std = x.mean(0), x.std(0)
    # TWIN: x, x_test = (x - mean) / std, (x_test - mean) / std
    center, spread = y.mean(), y.std()
    x, x_test, y, y_test = (
        torch.tensor(a, dtype=torch.float32) for a in (x, x_test, (y - center) / spread, (y_test - center) / spread)
    )
    net = Habitat(x.shape[1], CONFIG["hidden"])
    optimizer = torch.optim.Adam(net.parameters(), lr=CONFIG["lr"])
    for epoch in range(CONFIG["epochs"]):
        for idx in torch.randperm(len(x)).split(CONFIG["batch"]):
            loss = F.mse_loss(net(x[idx]), y[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            mse = F.mse_loss(net(x_test), y_test).item()
        if epoch % 5 == 4:
            print(f"epoch {epoch + 1} batch loss {loss.item():.3f} test mse {mse:.3f}")
    print(f"score: {1 - mse / y_test.var().item():.4f}")


main()
