"""Predictive maintenance: weeks until a water pump needs service, from a table of sensor summaries with a few
missing readings (median-filled, with indicator columns). Hand-written training function, Nesterov SGD, patience."""

import copy
import sys

import numpy as np
import torch
from torch import nn


def pumps(n, rng):
    hours = rng.gamma(4.0, 1500.0, n)
    vibration = 1.0 + hours / 6000 + rng.gamma(2.0, 0.4, n)
    temperature = 45 + 6 * vibration + rng.normal(0, 4, n)
    pressure_drop = rng.uniform(0.2, 1.4, n)
    abrasive = rng.random(n) < 0.35
    weeks = 70 * np.exp(-0.22 * vibration - 0.012 * (temperature - 55)) - 9 * abrasive * pressure_drop
    weeks = np.maximum(weeks - hours / 900 + 8, 0.5) + rng.normal(0, 1.5, n)
    table = np.column_stack([hours, vibration, temperature, pressure_drop, abrasive])
    table[:, 2][rng.random(n) < 0.08] = np.nan
    table[:, 3][rng.random(n) < 0.08] = np.nan
    return table, weeks


def prepare(table, medians, mean, std):
    missing = np.isnan(table[:, 2:4]).astype(np.float64)
    filled = np.where(np.isnan(table), medians, table)
    return torch.tensor(np.hstack([(filled - mean) / std, missing]), dtype=torch.float32)


def fit(model, train, val, epochs=60, patience=10):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9, nesterov=True, weight_decay=1e-4)
    best, best_state, since = float("inf"), None, 0
    for epoch in range(epochs):
        model.train()
        for idx in torch.randperm(len(train[0])).split(100):
            loss = nn.functional.mse_loss(model(train[0][idx]), train[1][idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            val_loss = nn.functional.mse_loss(model(val[0]), val[1]).item()
        if epoch % 5 == 0:
            print(f"epoch {epoch:3d} val mse {val_loss:.4f}")
        if val_loss < best:
            best, best_state, since = val_loss, copy.deepcopy(model.state_dict()), 0
        else:
            since += 1
            if since >= patience:
                print(f"no improvement for {patience} epochs, stopping at {epoch}")
                break
    model.load_state_dict(best_state)
    return best


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    (train_table, train_weeks), (val_table, val_weeks), (test_table, test_weeks) = (
        pumps(n, rng) for n in (2000, 500, 500)
    )
    medians = np.nanmedian(train_table, axis=0)
    filled = np.where(np.isnan(train_table), medians, train_table)
    stats = medians, filled.mean(axis=0), filled.std(axis=0)
    center, spread = train_weeks.mean(), train_weeks.std()

    def scale(weeks):
        return torch.tensor((weeks - center) / spread, dtype=torch.float32).unsqueeze(1)

    model = nn.Sequential(nn.Linear(7, 40), nn.SiLU(), nn.Linear(40, 20), nn.SiLU(), nn.Linear(20, 1))
    train = prepare(train_table, *stats), scale(train_weeks)
    best = fit(model, train, (prepare(val_table, *stats), scale(val_weeks)))
    print(f"best validation mse {best:.4f}")
    with torch.no_grad():
        target = scale(test_weeks)
        residual = model(prepare(test_table, *stats)) - target
    print(f"score: {1 - (residual.pow(2).mean() / target.var()).item():.4f}")


if __name__ == "__main__":
    main()
