"""Vehicles per quarter of an hour at a motorway's loop detector, an hour ahead, from the last eight hours: an LSTM on
windows cut from a year of counts, split in time, with the learning rate lowered on a plateau of the validation error.
"""

import argparse

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

torch.set_num_threads(1)


def simulate(days, rng):
    step = np.arange(days * 96)
    hour, weekend = step % 96 / 4, (step // 96 % 7) >= 5
    rush = np.exp(-((hour - 8) ** 2) / 3) + 1.1 * np.exp(-((hour - 17) ** 2) / 5)
    mean = 40 + 260 * np.exp(-((hour - 14) ** 2) / 40) * np.where(weekend, 0.7, 0.8) + 190 * rush * ~weekend
    drift = np.zeros(len(step))
    for i in range(1, len(step)):
        drift[i] = 0.97 * drift[i - 1] + 0.06 * rng.normal()
    return rng.poisson(mean * np.exp(drift * 0.6)).astype(np.float32)


class Windows(Dataset):
    """Inputs: scaled counts and the clock; target: the scaled count four steps ahead."""

    def __init__(self, counts, first, last, mean, std, past=32, ahead=4):
        clock = np.arange(len(counts)) % 672 / 672 * 2 * np.pi
        day = clock * 7
        columns = [(counts - mean) / std, np.sin(day), np.cos(day), np.sin(clock), np.cos(clock)]
        self.table = torch.tensor(np.stack(columns, 1), dtype=torch.float32)
        self.first, self.last, self.past, self.ahead = first, last, past, ahead

    def __len__(self):
        return (self.last - self.first - self.past - self.ahead) // 3

    def __getitem__(self, i):
        start = self.first + 3 * i
        return self.table[start : start + self.past], self.table[start + self.past + self.ahead - 1, 0]


class Forecaster(nn.Module):
    def __init__(self, hidden=40):
        super().__init__()
        self.lstm = nn.LSTM(5, hidden, batch_first=True)
        self.head = nn.Linear(hidden, 1)

    def forward(self, x):
        return self.head(self.lstm(x)[0][:, -1]).squeeze(-1)


def evaluate(model, loader):
    model.eval()
    with torch.no_grad():
        pairs = [(model(x), y) for x, y in loader]
    out, y = torch.cat([p[0] for p in pairs]), torch.cat([p[1] for p in pairs])
    return ((out - y) ** 2).mean().item(), y.var().item()


parser = argparse.ArgumentParser()
parser.add_argument("seed", type=int, nargs="?", default=0)
parser.add_argument("--epochs", type=int, default=8)
parser.add_argument("--lr", type=float, default=4e-3)
args = parser.parse_args()
torch.manual_seed(args.seed)
counts = simulate(140, np.random.default_rng(args.seed))
a, b = 96 * 98, 96 * 119
mean, std = counts[:a].mean(), counts[:a].std()
train_dl = DataLoader(Windows(counts, 0, a, mean, std), batch_size=64, shuffle=True)
val_dl = DataLoader(Windows(counts, a, b, mean, std), batch_size=512)
test_dl = DataLoader(Windows(counts, b, len(counts), mean, std), batch_size=512)
model = Forecaster()
optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)
scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.3, patience=1)
for epoch in range(args.epochs):
    model.train()
    total = 0.0
    for x, y in train_dl:
        loss = nn.functional.mse_loss(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        total += loss.item() * len(y)
    val, _ = evaluate(model, val_dl)
    scheduler.step(val)
    rate = optimizer.param_groups[0]["lr"]
    print(f"{epoch + 1:2d} train {total / len(train_dl.dataset):.4f} val {val:.4f} lr {rate:.1e}")
mse, variance = evaluate(model, test_dl)
print(f"score: {1 - mse / variance:.4f}")
