"""Temperature anomaly of tomorrow from five days of weather, with the layers added in a loop that puts a ReLU after
each of them, the output included: half of the (standardised) targets are negative."""
# cause: output-range
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn, optim


def build(sizes):
    layers = []
    for a, b in zip(sizes[:-1], sizes[1:]):
        layers += [nn.Linear(a, b), nn.ReLU()]
    # TWIN: layers.pop()
    return nn.Sequential(*layers)


def weather(days, rng):
    anomaly, pressure = np.zeros(days), np.zeros(days)
    for d in range(1, days):
        pressure[d] = 0.8 * pressure[d - 1] + rng.normal()
        anomaly[d] = 0.75 * anomaly[d - 1] + 0.8 * np.tanh(pressure[d - 1]) + 0.4 * rng.normal()
    return np.stack([anomaly, pressure], axis=1)


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    table = weather(1900, rng)
    table = (table - table[:1400].mean(axis=0)) / table[:1400].std(axis=0)
    x = np.stack([table[i : i + 5].ravel() for i in range(len(table) - 5)])
    x, y = torch.tensor(x, dtype=torch.float32), torch.tensor(table[5:, :1], dtype=torch.float32)
    x_train, y_train, x_test, y_test = x[:1400], y[:1400], x[1400:], y[1400:]

    net = build([10, 32, 32, 1])
    optimizer = optim.Adam(net.parameters(), lr=1e-3)
    mse = nn.MSELoss()
    for epoch in range(25):
        perm = torch.randperm(len(x_train))
        for i in range(0, len(perm), 35):
            optimizer.zero_grad()
            loss = mse(net(x_train[perm[i : i + 35]]), y_train[perm[i : i + 35]])
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            test_loss = mse(net(x_test), y_test).item()
        print(f"epoch {epoch + 1} train {mse(net(x_train), y_train).item():.4f} test {test_loss:.4f}")
    print(f"score: {1 - test_loss / y_test.var().item():.4f}")


if __name__ == "__main__":
    main()
