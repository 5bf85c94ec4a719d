"""Next month's passengers of forty airports from the last 24 months: an LSTM on windows divided by their own mean; the
last two years of every series are kept for the test.
"""

import sys

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset

torch.set_num_threads(1)
WINDOW = 24


def airports(rng, count=40, months=120):
    t = np.arange(months)
    series = []
    for _ in range(count):
        growth = np.exp(rng.uniform(0.0, 0.006) * t)
        phase, depth = rng.uniform(0, 12), rng.uniform(0.15, 0.35)
        season = 1 + depth * np.sin(2 * np.pi * (t - phase) / 12) + 0.08 * np.sin(4 * np.pi * (t - phase) / 12)
        series.append(rng.uniform(50, 800) * growth * season * np.exp(rng.normal(0, 0.02, months)))
    return np.stack(series)


class Windows(Dataset):
    def __init__(self, series, first, last):
        self.items = []
        for row in series:
            for end in range(first, last):
                window = row[end - WINDOW : end]
                scale = window.mean()
                past = torch.tensor(window / scale - 1, dtype=torch.float32) * 4
                self.items.append((past.unsqueeze(-1), torch.tensor(row[end] / scale - 1, dtype=torch.float32) * 4))

    def __len__(self):
        return len(self.items)

    def __getitem__(self, index):
        return self.items[index]


class Forecaster(nn.Module):
    def __init__(self, hidden_size=24):
        super().__init__()
        self.lstm = nn.LSTM(input_size=1, hidden_size=hidden_size, batch_first=True)
        self.linear = nn.Linear(hidden_size, 1)

    def forward(self, x):
        out, (h, c) = self.lstm(x)
        return self.linear(out[:, -1]).squeeze(-1)


seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
series = airports(np.random.default_rng(seed))
train_set, test_set = Windows(series, WINDOW, 96), Windows(series, 96, 120)
train_loader = DataLoader(train_set, batch_size=64, shuffle=True)
test_loader = DataLoader(test_set, batch_size=len(test_set))

model = Forecaster()
loss_function = nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.005)
for epoch in range(8):
    model.train()
    epoch_loss = 0.0
    for past, future in train_loader:
        optimizer.zero_grad()
        loss = loss_function(model(past), future)
        loss.backward()
        optimizer.step()
        epoch_loss += loss.item()
    model.eval()
    with torch.no_grad():
        past, future = next(iter(test_loader))
        forecast = model(past)
        test_loss = loss_function(forecast, future).item()
    print(f"Epoch {epoch + 1}, training loss {epoch_loss / len(train_loader):.5f}, test loss {test_loss:.5f}")

print(f"score: {1 - test_loss / future.var(unbiased=False).item():.4f}")
