"""Continuous glucose monitoring: forecast glucose 30 minutes ahead from two hours of readings, meals and insulin.

A GRU encoder predicts the change from the last reading. The test patients are not in the training set.
"""

import argparse

import numpy as np
import torch
from torch import nn

WINDOW, AHEAD = 24, 6  # 5-minute samples


def simulate_patient(rng, steps=300):
    sensitivity, carb_gain = rng.uniform(14, 26), rng.uniform(1.0, 1.6)
    glucose, stomach, gut, active = 120.0, 0.0, 0.0, 0.0
    rows = []
    for _ in range(steps):
        meal = rng.uniform(20, 70) if rng.random() < 0.015 else 0.0
        bolus = meal * carb_gain / sensitivity * rng.uniform(0.6, 1.1)
        stomach, gut = 0.8 * stomach + meal, 0.9 * gut + 0.2 * stomach  # food is absorbed with a delay
        active = 0.95 * active + 0.05 * bolus
        glucose += 0.25 * carb_gain * gut - 2.5 * sensitivity * active + 0.02 * (115 - glucose)
        glucose = float(np.clip(glucose + rng.normal(0, 1.5), 40, 400))
        rows.append((glucose, meal, bolus))
    return np.array(rows)


def windows(patients, rng):
    xs, ys = [], []
    for _ in range(patients):
        series = simulate_patient(rng)
        for start in range(0, len(series) - WINDOW - AHEAD, 4):
            past = series[start : start + WINDOW]
            future = series[start + WINDOW + AHEAD - 1, 0]
            xs.append((past - [140.0, 0.0, 0.0]) / [40.0, 15.0, 1.0])
            ys.append((future - past[-1, 0]) / 10.0)
    return torch.tensor(np.array(xs), dtype=torch.float32), torch.tensor(ys, dtype=torch.float32)


class Forecaster(nn.Module):
    def __init__(self, hidden=24):
        super().__init__()
        self.gru = nn.GRU(3, hidden, batch_first=True)
        self.out = nn.Linear(hidden, 1)

    def forward(self, x):
        states, _ = self.gru(x)
        return self.out(states[:, -1]).squeeze(-1)


def train(args):
    rng = np.random.default_rng(args.seed)
    torch.manual_seed(args.seed)
    x_train, y_train = windows(24, rng)
    x_test, y_test = windows(8, rng)
    model = Forecaster()
    optimizer = torch.optim.RMSprop(model.parameters(), lr=args.lr)
    for epoch in range(args.epochs):
        model.train()
        perm = torch.randperm(len(x_train))
        total = 0.0
        for i in range(0, len(perm), 64):
            batch = perm[i : i + 64]
            error = model(x_train[batch]) - y_train[batch]
            loss = (error**2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(batch)
        model.eval()
        with torch.no_grad():
            rmse = 10 * (model(x_test) - y_test).pow(2).mean().sqrt().item()
        print(f"epoch {epoch + 1}/{args.epochs} loss {total / len(x_train):.4f} test rmse {rmse:.2f} mg/dl")
    persistence = 10 * y_test.pow(2).mean().sqrt().item()
    print(f"persistence rmse {persistence:.2f} mg/dl")
    print(f"score: {1 - (rmse / persistence) ** 2:.4f}")


if __name__ == "__main__":
    torch.set_num_threads(1)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seed", nargs="?", type=int, default=0)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--epochs", type=int, default=14)
    train(parser.parse_args())
