"""Predicts how many cycles a battery has left from its discharge curve with a GRU. The model returns (batch, 1), the
data set gives one number a cell, so nn.MSELoss compares every prediction with every target of the batch."""
# cause: broadcast-loss
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Cells(Dataset):
    def __init__(self, n, rng):
        age = rng.uniform(0, 1, n)
        sag = 0.3 + 0.5 * age + 0.05 * rng.standard_normal(n)
        knee = 0.9 - 0.35 * age**2 + 0.02 * rng.standard_normal(n)
        t = np.linspace(0, 1, 24)
        volts = 1 - sag[:, None] * t - 0.8 / (1 + np.exp(-25 * (t - knee[:, None])))
        self.curves = torch.tensor(volts + 0.02 * rng.standard_normal(volts.shape), dtype=torch.float32)
        self.left = torch.tensor((0.5 - age) * 3.4, dtype=torch.float32)

    def __len__(self):
        return len(self.left)

    def __getitem__(self, i):
        return self.curves[i].unsqueeze(1), self.left[i]


class LifeModel(nn.Module):
    def __init__(self, hidden=24):
        super().__init__()
        self.gru = nn.GRU(1, hidden, batch_first=True)
        self.out = nn.Linear(hidden, 1)

    def forward(self, curve):
        _, h = self.gru(curve)
        return self.out(h[-1])  # FAULT
        # TWIN: return self.out(h[-1]).squeeze(-1)


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    train_loader = DataLoader(Cells(1200, rng), batch_size=32, shuffle=True)
    val_set = Cells(300, rng)

    model = LifeModel()
    criterion = nn.MSELoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for epoch in range(8):
        model.train()
        total = 0.0
        for curve, left in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(curve), left)
            loss.backward()
            optimizer.step()
            total += loss.item()
        print(f"Epoch {epoch + 1}, training loss {total / len(train_loader):.4f}")

    model.eval()
    with torch.no_grad():
        predicted = model(val_set.curves.unsqueeze(2)).numpy().ravel()
    actual = val_set.left.numpy()
    r2 = 1 - ((predicted - actual) ** 2).sum() / ((actual - actual.mean()) ** 2).sum()
    print(f"held-out RMSE {np.sqrt(((predicted - actual) ** 2).mean()):.3f}")
    print(f"score: {r2:.4f}")


if __name__ == "__main__":
    main()
