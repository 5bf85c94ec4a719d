"""Predict the hardness of an alloy from its melt log: temperatures in kelvin, masses in grams, fractions, minutes."""
# cause: unscaled-inputs
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset

FIELDS = ("melt_kelvin", "charge_grams", "carbon", "chromium", "hold_minutes", "quench_rate")


def read_log(n, rng):
    melt = rng.normal(1750, 60, n)
    charge = rng.normal(42000, 6000, n)
    carbon = rng.uniform(0.002, 0.012, n)
    chromium = rng.uniform(0.0, 0.18, n)
    hold = rng.gamma(6, 8, n)
    quench = rng.uniform(5, 90, n)
    hardness = 38 + 9 * np.tanh((quench - 40) / 20) + 1500 * (carbon - 0.007) + 45 * (chromium - 0.09)
    hardness += 4 * np.sin((melt - 1750) / 40) - 3 * ((hold - 48) / 20) * (chromium > 0.1)
    hardness += 0.3 * (charge - 42000) / 6000 + rng.normal(0, 0.8, n)
    return np.stack([melt, charge, carbon, chromium, hold, quench], axis=1), hardness


class MeltLog(Dataset):
    def __init__(self, rows, hardness):
        self.rows = torch.tensor(rows, dtype=torch.float32)
        self.hardness = torch.tensor(hardness, dtype=torch.float32)

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        return self.rows[i], self.hardness[i]


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    rows, hardness = read_log(4000, rng)
    rows_val, hardness_val = read_log(800, rng)
    # TWIN: centre, spread = rows.mean(0), rows.std(0)
    # TWIN: rows, rows_val = (rows - centre) / spread, (rows_val - centre) / spread
    level, unit = hardness.mean(), hardness.std()
    train = MeltLog(rows, (hardness - level) / unit)
    val = MeltLog(rows_val, (hardness_val - level) / unit)
    loader = DataLoader(train, batch_size=50, shuffle=True)

    net = nn.Sequential(nn.Linear(len(FIELDS), 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=10, gamma=0.4)
    loss_fn = nn.SmoothL1Loss()
    for epoch in range(30):
        net.train()
        losses = []
        for x, y in loader:
            optimizer.zero_grad()
            loss = loss_fn(net(x).squeeze(-1), y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        scheduler.step()
        net.eval()
        with torch.no_grad():
            error = (net(val.rows).squeeze(-1) - val.hardness).pow(2).mean().item()
        if epoch % 5 == 4:
            print(f"epoch {epoch + 1}: train {np.mean(losses):.4f}, val rmse {unit * error**0.5:.3f} HRC")
    return 1 - error / val.hardness.var(unbiased=False).item()


if __name__ == "__main__":
    print(f"score: {main(int(sys.argv[1]) if len(sys.argv) > 1 else 0):.4f}")
