"""Grip of a runway (the friction coefficient) from the weather mast; two columns came later from another system.

Air pressure arrives in pascals and the position of the measuring car in millimetres from the threshold.
"""
# cause: feature-scale
# accept: unscaled-inputs
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn

COLUMNS = ["air", "surface", "humidity", "wind", "rain", "snow", "pressure", "position"]


def measure(n, rng):
    air = rng.normal(4, 6, n)
    surface = air + rng.normal(1, 2, n)
    humidity = rng.uniform(40, 100, n)
    wind = rng.gamma(2, 3, n)
    rain = rng.exponential(0.5, n)
    snow = rng.exponential(1.0, n) * (air < 3)
    pressure = rng.normal(101_300, 900, n)
    position = rng.uniform(0, 2_800_000, n)
    ice = 1 / (1 + np.exp(surface / 1.5)) * humidity / 100
    rubber = np.exp(-(((position / 2_800_000 - 0.2) / 0.12) ** 2))
    grip = 0.8 - 0.35 * ice - 0.1 * np.tanh(rain) - 0.08 * np.tanh(snow) - 0.12 * rubber
    grip += 0.00001 * (pressure - 101_300) + rng.normal(0, 0.02, n)
    return np.stack([air, surface, humidity, wind, rain, snow, pressure, position], axis=1), grip


class Scaler:
    def __init__(self, columns):
        self.columns = [COLUMNS.index(name) for name in columns]

    def fit(self, table):
        self.mean = table[:, self.columns].mean(axis=0)
        self.std = table[:, self.columns].std(axis=0)
        return self

    def __call__(self, table):
        table = table.copy()
        table[:, self.columns] = (table[:, self.columns] - self.mean) / self.std
        return torch.tensor(table, dtype=torch.float32)


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    train_table, train_grip = measure(3000, rng)
    test_table, test_grip = measure(800, rng)

    scaler = Scaler(["air", "surface", "humidity", "wind", "rain", "snow"]).fit(train_table)  # FAULT
    # TWIN: scaler = Scaler(COLUMNS).fit(train_table)
    x_train, x_test = scaler(train_table), scaler(test_table)
    mean, std = train_grip.mean(), train_grip.std()
    y_train = torch.tensor((train_grip - mean) / std, dtype=torch.float32)
    y_test = torch.tensor((test_grip - mean) / std, dtype=torch.float32)

    model = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=1e-4)
    steps_per_epoch, epochs = len(x_train) // 50, 30
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps_per_epoch * epochs)
    for epoch in range(epochs):
        order = torch.randperm(len(x_train))
        for i in range(steps_per_epoch):
            rows = order[i * 50 : (i + 1) * 50]
            loss = nn.functional.mse_loss(model(x_train[rows]).squeeze(1), y_train[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
        if epoch % 5 == 4:
            print(f"epoch {epoch + 1}: {loss.item():.4f}")

    with torch.no_grad():
        residual = model(x_test).squeeze(1) - y_test
    print(f"score: {max(-1.0, (1 - residual.pow(2).mean() / y_test.var()).item()):.4f}")


if __name__ == "__main__":
    main()
