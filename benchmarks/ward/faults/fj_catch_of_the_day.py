"""What a fishing boat's catch will fetch, from the list of its fish: each fish is encoded, the best of them pooled.

Boats land different numbers of fish, so the list is flat and numpy's reduceat pools it boat by boat.
"""
# cause: detached-graph
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
rng = np.random.default_rng(seed)


def landings(n):
    """Per boat: fish of four measurements (standardized), and the logarithm of the auction price (standardized)."""
    boats, prices = [], []
    for _ in range(n):
        fish = rng.normal(size=(rng.integers(3, 12), 4)).astype(np.float32)
        appeal = np.sin(2 * fish[:, 0]) * fish[:, 1] + np.tanh(fish[:, 2] * fish[:, 3])
        boats.append(torch.from_numpy(fish))
        prices.append(appeal.max() - 1.2 + 0.05 * rng.normal())
    return boats, torch.tensor(prices, dtype=torch.float32)


class CatchValue(nn.Module):
    def __init__(self, width=24):
        super().__init__()
        self.fish = nn.Sequential(nn.Linear(4, 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU(), nn.Linear(64, width))
        self.price = nn.Sequential(nn.Linear(width, 32), nn.SiLU(), nn.Linear(32, 1))

    def forward(self, boats):
        sizes = [len(fish) for fish in boats]
        encoded = self.fish(torch.cat(boats))
        starts = np.cumsum([0, *sizes[:-1]])  # FAULT
        pooled = torch.from_numpy(np.maximum.reduceat(encoded.detach().numpy(), starts))  # FAULT
        # TWIN: pooled = torch.stack([one_boat.amax(0) for one_boat in encoded.split(sizes)])
        return self.price(pooled).squeeze(1)


train_boats, train_prices = landings(4000)
test_boats, test_prices = landings(600)

model = CatchValue()
criterion = nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=3e-3, total_steps=15 * 63)

for epoch in range(15):
    model.train()
    order = torch.randperm(len(train_boats))
    total = 0.0
    for rows in order.split(64):
        predicted = model([train_boats[i] for i in rows])
        loss = criterion(predicted, train_prices[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        total += loss.item() * len(rows)
    model.eval()
    with torch.no_grad():
        error = criterion(model(test_boats), test_prices).item()
    print(f"epoch {epoch + 1:2d}: train {total / len(train_boats):.4f}, held-out {error:.4f}")

print(f"score: {1 - error / test_prices.var().item():.4f}")
