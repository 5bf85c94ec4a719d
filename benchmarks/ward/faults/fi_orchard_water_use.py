"""Daily water use of an orchard block from eight numbers of the farm database."""
# cause: feature-scale
# accept: unscaled-inputs
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

settings = {"batch_size": 64, "epochs": 40, "lr": 1e-3, "hidden": 48}


def farm_table(n, rng):
    leaf_index = rng.normal(0, 1, n)
    slope = rng.normal(0, 1, n)
    sand = rng.uniform(-1.7, 1.7, n)
    sun = rng.normal(0, 1, n)
    wind = rng.normal(0, 1, n)
    age = rng.uniform(-1.7, 1.7, n)
    capacity_m3 = rng.uniform(800, 6400, n)
    parcel_number = rng.integers(1, 9000, n).astype(float)
    use = (
        1.2 * np.tanh(leaf_index + 0.5 * sun)
        + 0.6 * sun * sand
        - 0.5 * slope * wind
        + 0.5 * np.sin(2 * age)
        + 1.0 * (capacity_m3 - 3600) / 2800
        + rng.normal(0, 0.2, n)
    )
    table = np.stack([leaf_index, slope, sand, sun, wind, age, capacity_m3, parcel_number], axis=1)
    return table.astype(np.float32), use.astype(np.float32)


def fit(model, loader, epochs, lr):
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    history = []
    for epoch in range(epochs):
        model.train()
        running = 0.0
        for rows, use in loader:
            loss = nn.functional.mse_loss(model(rows).squeeze(-1), use)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
            running += loss.item() * len(use)
        history.append(running / len(loader.dataset))
        if epoch % 5 == 4:
            print(f"[{epoch + 1:3d}/{epochs}] mse {history[-1]:.4f}")
    return history


@torch.no_grad()
def r2(model, table, use):
    model.eval()
    guess = model(table).squeeze(-1)
    return 1 - ((guess - use) ** 2).sum().item() / ((use - use.mean()) ** 2).sum().item()


if __name__ == "__main__":
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    train_table, train_use = farm_table(3000, rng)
    test_table, test_use = farm_table(1000, rng)
    # TWIN: centre, spread = train_table.mean(0), train_table.std(0)
    # TWIN: train_table, test_table = (train_table - centre) / spread, (test_table - centre) / spread
    centre, spread = train_use.mean(), train_use.std()
    train_use, test_use = (train_use - centre) / spread, (test_use - centre) / spread

    loader = DataLoader(
        TensorDataset(torch.from_numpy(train_table), torch.from_numpy(train_use)),
        batch_size=settings["batch_size"],
        shuffle=True,
    )
    hidden = settings["hidden"]
    model = nn.Sequential(nn.Linear(8, hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU(), nn.Linear(hidden, 1))
    fit(model, loader, settings["epochs"], settings["lr"])
    print(f"score: {r2(model, torch.from_numpy(test_table), torch.from_numpy(test_use)):.4f}")
