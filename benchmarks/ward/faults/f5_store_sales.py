"""Forecasts the daily sales of a shop from its store, product and week and three numbers. The embeddings of the
categorical columns are kept in a plain dict, so parameters() does not list them and they stay random."""
# cause: unregistered-parameters
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn

COLUMNS = {"store": 60, "product": 90, "week": 52}


def sales_table(n, rng, effects):
    codes = {name: rng.integers(size, size=n) for name, size in COLUMNS.items()}
    numbers = rng.standard_normal((n, 3))
    sales = sum(effects[name][codes[name]] for name in COLUMNS)
    sales = sales + 0.5 * numbers[:, 0] - 0.3 * np.maximum(numbers[:, 1], 0) + 0.3 * rng.standard_normal(n)
    codes = {name: torch.tensor(values) for name, values in codes.items()}
    return codes, torch.tensor(numbers, dtype=torch.float32), torch.tensor(sales, dtype=torch.float32)


class SalesModel(nn.Module):
    def __init__(self, dim=4):
        super().__init__()
        self.emb = {name: nn.Embedding(size, dim) for name, size in COLUMNS.items()}  # FAULT
        # TWIN: self.emb = nn.ModuleDict({name: nn.Embedding(size, dim) for name, size in COLUMNS.items()})
        self.layers = nn.Sequential(
            nn.Linear(dim * len(COLUMNS) + 3, 32),
            nn.ReLU(),
            nn.Linear(32, 16),
            nn.ReLU(),
            nn.Linear(16, 1),
        )

    def forward(self, codes, numbers):
        parts = [self.emb[name](codes[name]) for name in COLUMNS]
        return self.layers(torch.cat([*parts, numbers], dim=1)).squeeze(1)


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    effects = {name: 0.6 * rng.standard_normal(size) for name, size in COLUMNS.items()}
    codes, numbers, sales = sales_table(6000, rng, effects)
    val_codes, val_numbers, val_sales = sales_table(1000, rng, effects)

    model = SalesModel()
    optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
    mse = nn.MSELoss()
    for epoch in range(1, 13):
        model.train()
        running = 0.0
        for rows in torch.randperm(len(sales)).split(100):
            optimizer.zero_grad()
            batch = {name: values[rows] for name, values in codes.items()}
            loss = mse(model(batch, numbers[rows]), sales[rows])
            loss.backward()
            optimizer.step()
            running += loss.item() * len(rows)
        model.eval()
        with torch.no_grad():
            val_mse = mse(model(val_codes, val_numbers), val_sales).item()
        print(f"epoch {epoch}: train mse {running / len(sales):.4f}, val mse {val_mse:.4f}")
    print(f"score: {1 - val_mse / val_sales.var().item():.4f}")


if __name__ == "__main__":
    main()
