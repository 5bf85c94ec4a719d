"""Will a loan be paid back? Income in crowns, age in years, debt ratio, months at the job and so on, straight from the
bank's table into a small network."""
# cause: unscaled-inputs
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def applicants(n, rng):
    income = rng.lognormal(12.8, 0.5, n)
    age = rng.uniform(20, 70, n)
    ratio = rng.beta(2, 5, n)
    months = rng.gamma(2, 30, n)
    owed = income * ratio * rng.uniform(0.5, 2, n)
    late = rng.poisson(0.8, n)
    risk = (
        6 * (ratio - 0.28)
        - 1.6 * (np.log(income) - 12.8)
        + 0.9 * (late - 0.8)
        - 0.012 * (months - 60)
        + 0.002 * ((age - 45) ** 2 - 208)
    )
    paid = (1.6 * risk + rng.logistic(0, 0.7, n)) < 0
    return np.stack([income, age, ratio, months, owed, late], axis=1), paid.astype(np.float32)


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    table, paid = applicants(3200, rng)
    # TWIN: mean, std = table[:2600].mean(axis=0), table[:2600].std(axis=0)
    # TWIN: table = (table - mean) / std
    x = torch.tensor(table, dtype=torch.float32)
    y = torch.tensor(paid).unsqueeze(1)
    loader = DataLoader(TensorDataset(x[:2600], y[:2600]), batch_size=64, shuffle=True)
    model = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, 1))
    criterion = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(20):
        model.train()
        running = 0.0
        for batch, target in loader:
            loss = criterion(model(batch), target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            running += loss.item()
        model.eval()
        with torch.no_grad():
            logits = model(x[2600:])
            val = criterion(logits, y[2600:]).item()
            accuracy = ((logits > 0).float() == y[2600:]).float().mean().item()
        print(f"epoch {epoch:2d} train {running / len(loader):.4f} val {val:.4f} accuracy {accuracy:.4f}")
    print(f"score: {accuracy:.4f}")


if __name__ == "__main__":
    main()
