"""House prices from a made-up table (area, rooms, age, distance, district): standardised columns, log of the price as
the target, SmoothL1 loss against a few gross typing errors in the training prices, StepLR.
"""

import argparse

import numpy as np
import torch
from torch import nn

torch.set_num_threads(1)


def make_houses(n, rng):
    area = rng.gamma(8, 12, n)
    rooms = np.clip(np.round(area / 25 + rng.normal(0, 0.7, n)), 1, 9)
    age = rng.uniform(0, 90, n)
    distance = rng.exponential(6, n)
    district = rng.integers(0, 5, n)
    level = np.array([1.0, 1.2, 0.8, 1.5, 0.95])[district]
    price = 1500 * area * level * np.exp(-0.04 * distance - 0.004 * age) * (1 + 0.02 * rooms)
    price *= np.exp(rng.normal(0, 0.08, n))
    table = np.column_stack([np.log(area), rooms, age, np.log1p(distance), np.eye(5)[district]])
    return table, np.log(price)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", type=int, nargs="?", default=0)
    parser.add_argument("--epochs", type=int, default=30)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)

    x_train, y_train = make_houses(1500, rng)
    x_test, y_test = make_houses(500, rng)
    typos = rng.random(len(y_train)) < 0.02
    y_train[typos] += np.log(10)
    mean, std = x_train.mean(0), x_train.std(0)
    centre, spread = np.median(y_train), y_train[~typos].std()

    def scaled(x, y):
        x, y = (x - mean) / std, (y - centre) / spread
        return torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32).view(-1, 1)

    x_train, y_train = scaled(x_train, y_train)
    x_test, y_test = scaled(x_test, y_test)

    model = nn.Sequential(nn.Linear(9, 32), nn.ReLU(), nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, 1))
    criterion = nn.SmoothL1Loss(beta=0.3)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=10, gamma=0.3)
    for epoch in range(args.epochs):
        model.train()
        losses = []
        for rows in torch.randperm(len(x_train)).split(50):
            loss = criterion(model(x_train[rows]), y_train[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        scheduler.step()
        if (epoch + 1) % 5 == 0:
            model.eval()
            with torch.no_grad():
                mae = (model(x_test) - y_test).abs().mean().item() * spread
            print(f"{epoch + 1:3d}  loss {np.mean(losses):.4f}  mean abs. log error on test houses {mae:.4f}")

    with torch.no_grad():
        residual = ((model(x_test) - y_test) ** 2).sum()
    r2 = 1 - residual / ((y_test - y_test.mean()) ** 2).sum()
    print(f"score: {r2.item():.4f}")


if __name__ == "__main__":
    main()
