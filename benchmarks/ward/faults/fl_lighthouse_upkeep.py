"""Yearly cost of upkeep of a lighthouse from the register: ten columns, as the office keeps them."""
# cause: feature-scale
# accept: unscaled-inputs
# kind: dynamic

import sys

import numpy as np
import torch
from sklearn.model_selection import train_test_split

# TWIN: from sklearn.preprocessing import StandardScaler


def register(n, rng):
    age = rng.uniform(0, 1, n)
    height = rng.normal(0, 1, n)
    salt = rng.gamma(2.0, 0.5, n)
    lamps = rng.integers(1, 4, n)
    automatic = rng.integers(0, 2, n)
    wind = rng.normal(0, 1, n)
    sea_metres = rng.lognormal(7, 1, n)
    visitors = rng.lognormal(9, 0.7, n)
    population = rng.lognormal(10, 1.2, n)
    passing_tons = rng.lognormal(12, 0.8, n)
    cost = 2 * age * (1 - automatic) + 0.7 * np.tanh(height) + 0.6 * salt + 0.4 * lamps + 0.3 * wind
    cost = cost + 0.3 * np.log(visitors / 8000) + 0.15 * rng.normal(size=n)
    columns = [age, height, salt, lamps, automatic, wind, sea_metres, visitors, population, passing_tons]
    return np.column_stack(columns).astype(np.float32), ((cost - cost.mean()) / cost.std()).astype(np.float32)


class CostModel(torch.nn.Module):
    def __init__(self, n_features, hidden=48):
        super().__init__()
        self.hidden = torch.nn.Linear(n_features, hidden)
        self.middle = torch.nn.Linear(hidden, hidden)
        self.cost = torch.nn.Linear(hidden, 1)

    def forward(self, x):
        x = torch.tanh(self.hidden(x))
        x = torch.tanh(self.middle(x))
        return self.cost(x)[:, 0]


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    x, y = register(3000, np.random.default_rng(seed))
    x, x_test, y, y_test = train_test_split(x, y, test_size=0.2, random_state=seed)
    # TWIN: scaler = StandardScaler().fit(x)
    # TWIN: x, x_test = scaler.transform(x), scaler.transform(x_test)
    x, x_test, y, y_test = map(torch.from_numpy, (x, x_test, y, y_test))
    model = CostModel(x.shape[1])
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=8, gamma=0.3)
    history = []
    for epoch in range(20):
        order = torch.randperm(len(x))
        for i in range(0, len(x), 48):
            rows = order[i : i + 48]
            optimizer.zero_grad()
            loss = torch.nn.functional.smooth_l1_loss(model(x[rows]), y[rows])
            loss.backward()
            optimizer.step()
        scheduler.step()
        with torch.no_grad():
            r2 = 1 - (model(x_test) - y_test).pow(2).mean() / y_test.var()
        history.append((loss.item(), r2.item()))
        if epoch % 4 == 3:
            print(f"epoch {epoch + 1}: last loss {history[-1][0]:.4f} R2 {history[-1][1]:.4f}")
    print(f"score: {history[-1][1]:.4f}")


main()
