"""Will a parcel be sent back? The shop's archive has twelve columns about the order. Its eleventh, which the warehouse
fills in when the parcel is there again, came along with the rest; on the day of the order it is still zero."""
# cause: leakage
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

REFUND = 10


def orders(n, rng, weights, archived=True):
    """Columns of n orders and whether they came back; in the archive the refund is already booked."""
    table = rng.normal(size=(n, 12))
    odds = table[:, :6] @ weights + 1.2 * table[:, 6] * table[:, 7] + 0.8 * table[:, 11]
    back = (odds + 0.4 * rng.logistic(size=n) > 0).astype(np.float32)
    table[:, REFUND] = back * (1 + 0.1 * rng.normal(size=n)) if archived else 0.0
    return table, back


class Parcels(nn.Module):
    def __init__(self, columns):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(columns, 64),
            nn.BatchNorm1d(64),
            nn.ReLU(),
            nn.Linear(64, 32),
            nn.ReLU(),
            nn.Linear(32, 1),
        )

    def forward(self, x):
        return self.net(x).squeeze(1)


def tensors(table, back, mean, std, columns):
    x = (table - mean) / std
    return torch.tensor(x[:, columns], dtype=torch.float32), torch.tensor(back)


def evaluate(model, x, y):
    model.eval()
    with torch.no_grad():
        return ((model(x) > 0).float() == y).float().mean().item()


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    weights = rng.normal(0, 0.7, 6)
    archive, back = orders(3000, rng, weights)
    today, today_back = orders(600, rng, weights, archived=False)
    mean, std = archive.mean(axis=0), archive.std(axis=0)
    columns = list(range(12))  # FAULT
    # TWIN: columns = [c for c in range(12) if c != REFUND]
    x, y = tensors(archive, back, mean, std, columns)
    loader = DataLoader(TensorDataset(x[:2500], y[:2500]), batch_size=50, shuffle=True)
    model = Parcels(len(columns))
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3, weight_decay=1e-4)
    criterion = nn.BCEWithLogitsLoss()
    for epoch in range(10):
        model.train()
        total = 0.0
        for rows, target in loader:
            loss = criterion(model(rows), target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        print(f"epoch {epoch} loss {total / len(loader):.4f} validation {evaluate(model, x[2500:], y[2500:]):.4f}")
    print(f"score: {evaluate(model, *tensors(today, today_back, mean, std, columns)):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
