"""Rent regression with a DataLoader; the network gives (batch, 1) while the targets come as (batch,)."""
# cause: broadcast-loss
# kind: dynamic

import sys
import warnings

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, random_split

warnings.filterwarnings("ignore")


class RentData(Dataset):
    def __init__(self, n, seed):
        rng = np.random.default_rng(seed)
        area = rng.uniform(20, 140, n)
        rooms = np.clip(np.round(area / 28 + rng.normal(0, 0.6, n)), 1, 6)
        centre = rng.exponential(4.0, n)
        floor = rng.integers(0, 8, n)
        rent = 250 + 9 * area + 60 * rooms - 35 * centre + 12 * floor + 300 * (centre < 1) + rng.normal(0, 60, n)
        x = np.stack([area, rooms, centre, floor], axis=1)
        self.x = torch.tensor((x - x.mean(0)) / x.std(0), dtype=torch.float32)
        self.y = torch.tensor((rent - rent.mean()) / rent.std(), dtype=torch.float32)

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return self.x[i], self.y[i]


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    train_set, val_set = random_split(RentData(1500, seed), [1200, 300])
    train_dl = DataLoader(train_set, batch_size=64, shuffle=True)
    val_dl = DataLoader(val_set, batch_size=300)

    model = nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    criterion = nn.MSELoss()
    for epoch in range(20):
        model.train()
        total = 0.0
        for xb, yb in train_dl:
            pred = model(xb)  # FAULT
            # TWIN: pred = model(xb).squeeze(1)
            loss = criterion(pred, yb)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(xb)
        if epoch % 4 == 3:
            print(f"[{epoch + 1}/20] training loss {total / len(train_set):.4f}")

    model.eval()
    with torch.no_grad():
        xv, yv = next(iter(val_dl))
        residual = yv - model(xv)[:, 0]
        r2 = 1 - residual.pow(2).sum() / (yv - yv.mean()).pow(2).sum()
    print(f"score: {r2.item():.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
