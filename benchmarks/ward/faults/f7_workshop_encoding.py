"""Cost of a car repair from workshop, age and mileage. Each workshop is encoded by the mean cost of its repairs,
computed over the whole table before the split, own row included, though many workshops have one or two."""
# cause: leakage
# accept: overfitting train-validation-mismatch
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn


def repairs(n, dear, rng):
    shop = rng.integers(0, len(dear), n)
    age, mileage, parts = rng.uniform(0, 15, n), rng.gamma(4, 25, n), rng.poisson(3, n)
    cost = 0.3 * dear[shop] + 0.09 * age + 0.25 * parts + 0.004 * mileage * (parts > 3) + 0.3 * rng.normal(size=n)
    return shop, np.stack([(age - 7.5) / 4.3, (mileage - 100) / 50, (parts - 3) / 1.7], axis=1), cost


def shop_means(shop, cost, count):
    total = np.bincount(shop, weights=cost, minlength=count)
    rows = np.bincount(shop, minlength=count)
    return np.where(rows > 0, total / np.maximum(rows, 1), cost.mean()), rows


def encode(shop, cost, count):
    means, _ = shop_means(shop, cost, count)
    return means[shop]  # FAULT
    # TWIN: _, rows = shop_means(shop, cost, count)
    # TWIN: others = (means[shop] * rows[shop] - cost) / np.maximum(rows[shop] - 1, 1)
    # TWIN: return (others * (rows[shop] - 1) + cost.mean() * 8) / (rows[shop] + 7)


def table(encoded, rest, centre):
    return torch.tensor(np.column_stack([(encoded - centre) * 1.5, rest]), dtype=torch.float32)


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    dear = rng.normal(size=1500)
    shop, rest, cost = repairs(2500, dear, rng)
    x = table(encode(shop, cost, len(dear)), rest, cost.mean())
    y = torch.tensor(cost - cost.mean(), dtype=torch.float32).unsqueeze(1)
    x_train, y_train, x_val, y_val = x[:2000], y[:2000], x[2000:], y[2000:]

    model = nn.Sequential(nn.Linear(4, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    mse = nn.MSELoss()
    for epoch in range(20):
        for idx in torch.randperm(len(x_train)).split(40):
            loss = mse(model(x_train[idx]), y_train[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            r2 = 1 - mse(model(x_val), y_val).item() / y_val.var().item()
        print(f"epoch {epoch + 1} loss {loss.item():.4f} validation R2 {r2:.4f}")

    next_shop, next_rest, next_cost = repairs(3000, dear, rng)
    means, rows = shop_means(shop, cost, len(dear))
    # TWIN: means = (means * rows + cost.mean() * 8) / (rows + 8)
    with torch.no_grad():
        guess = model(table(means[next_shop], next_rest, cost.mean())).squeeze(1).numpy() + cost.mean()
    print(f"score: {1 - ((guess - next_cost) ** 2).mean() / next_cost.var():.4f}")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
