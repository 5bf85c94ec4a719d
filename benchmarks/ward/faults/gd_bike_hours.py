"""Hourly bike rentals from calendar and weather: a small network, features scaled, the last weeks held out in time order.

After the bike-sharing project ("Your first neural network") of Udacity's deep learning course, https://github.com/udacity/deep-learning-v2-pytorch
"""
# cause: overfitting
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn, optim


def make_hours(days, rng):
    hour, day = np.tile(np.arange(24), days), np.repeat(np.arange(days), 24)
    weekday, month = day % 7, (day % 365) // 31
    weather = np.repeat(rng.choice(3, days, p=[0.65, 0.25, 0.1]), 24)
    temp = (
        12
        - 10 * np.cos(2 * np.pi * day / 365)
        + 4 * np.sin(2 * np.pi * (hour - 9) / 24)
        + np.repeat(rng.normal(0, 2, days), 24)
    )
    work = weekday < 5
    peak = 260 * np.exp(-(((hour - 8) / 1.5) ** 2)) + 320 * np.exp(-(((hour - 17.5) / 2) ** 2)) + 60 * (hour > 6)
    leisure = 240 * np.exp(-(((hour - 14) / 4) ** 2))
    rate = (
        np.where(work, peak, leisure) * np.clip(0.4 + 0.03 * temp, 0.1, 1.3) * np.array([1.0, 0.85, 0.45])[weather] + 6
    )
    counts = rng.poisson(rate * rng.gamma(50, 1 / 50, len(rate)))
    dummies = [np.eye(24)[hour], np.eye(7)[weekday], np.eye(12)[month], np.eye(3)[weather]]
    return np.concatenate([temp[:, None]] + dummies, 1), counts.astype(float)


class NeuralNetwork(nn.Module):
    def __init__(self, input_nodes, hidden_nodes, output_nodes):
        super().__init__()
        self.hidden = nn.Linear(input_nodes, hidden_nodes)
        self.hidden2 = nn.Linear(hidden_nodes, hidden_nodes // 2)
        self.output = nn.Linear(hidden_nodes // 2, output_nodes)

    def forward(self, x):
        x = torch.relu(self.hidden(x))
        x = torch.relu(self.hidden2(x))
        return self.output(x)


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    features, counts = make_hours(730, rng)
    # the last 21 days are the test, the 60 days before the validation
    test_at, val_at = len(counts) - 21 * 24, len(counts) - 81 * 24
    t_mean, t_std = features[:val_at, 0].mean(), features[:val_at, 0].std()
    features[:, 0] = (features[:, 0] - t_mean) / t_std
    c_mean, c_std = counts[:val_at].mean(), counts[:val_at].std()
    X = torch.tensor(features, dtype=torch.float32)
    y = torch.tensor((counts - c_mean) / c_std, dtype=torch.float32).unsqueeze(1)

    network = NeuralNetwork(X.shape[1], 40, 1)
    criterion = nn.MSELoss()
    optimizer = optim.SGD(network.parameters(), lr=0.05, momentum=0.9)
    iterations = 900
    losses = {"train": [], "validation": []}
    batch = torch.randint(val_at, (128,))  # a random batch of the training hours  # FAULT
    for ii in range(iterations):
        network.train()
        # TWIN: batch = torch.randint(val_at, (128,))  # a random batch of the training hours
        loss = criterion(network(X[batch]), y[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if ii == 600:
            optimizer.param_groups[0]["lr"] = 0.01
        if (ii + 1) % 100 == 0:
            network.eval()
            with torch.no_grad():
                train_loss = criterion(network(X[:val_at]), y[:val_at]).item()
                val_loss = criterion(network(X[val_at:test_at]), y[val_at:test_at]).item()
            losses["train"].append(train_loss)
            losses["validation"].append(val_loss)
            print(
                f"Progress: {100 * (ii + 1) / iterations:.1f}% ... Training loss: {train_loss:.3f} ... Validation loss: {val_loss:.3f}"
            )

    network.eval()
    with torch.no_grad():
        predictions = network(X[test_at:]) * c_std + c_mean
    actual = torch.tensor(counts[test_at:], dtype=torch.float32).unsqueeze(1)
    r2 = 1 - ((predictions - actual) ** 2).sum() / ((actual - actual.mean()) ** 2).sum()
    print(
        f"first test day, 8 am to noon: predicted {predictions[8:12, 0].round().tolist()}, actual {actual[8:12, 0].tolist()}"
    )
    print(f"score: {r2.item():.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
