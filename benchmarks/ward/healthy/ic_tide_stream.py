"""Forecast a long water-level record one step ahead with an LSTM whose state is carried from chunk to chunk.

Eight stations run in parallel; the state is detached at every chunk (truncated back-propagation), never reset within
a pass over the record, and warmed up on the last stretch of the training record before the test.
"""

import math
import sys

import torch
import torch.nn as nn

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
STATIONS, STEPS, CHUNK = 8, 1800, 30


def records():
    """Two tides of each station's own phase and strength, and weather that comes and goes slowly."""
    t = torch.arange(STEPS)
    a, b = 0.8 + 0.4 * torch.rand(2, STATIONS, 1)
    p, q = 2 * math.pi * torch.rand(2, STATIONS, 1)
    tide = a * torch.sin(2 * math.pi * t / 24.8 + p) + 0.5 * b * torch.sin(2 * math.pi * t / 12.4 + q)
    weather = torch.zeros(STATIONS, STEPS)
    for i in range(1, STEPS):
        weather[:, i] = 0.95 * weather[:, i - 1] + 0.12 * torch.randn(STATIONS)
    return tide + weather + 0.03 * torch.randn(STATIONS, STEPS)


class Forecaster(nn.Module):
    def __init__(self, hidden=32):
        super().__init__()
        self.lstm = nn.LSTM(1, hidden, batch_first=True)
        self.out = nn.Linear(hidden, 1)

    def forward(self, level, state=None):
        h, state = self.lstm(level.unsqueeze(-1), state)
        return level + self.out(h).squeeze(-1), state


level = records()
cut = 1440
mean, std = level[:, :cut].mean(), level[:, :cut].std()
level = (level - mean) / std
train, test = level[:, :cut], level[:, cut - 200 :]
model = Forecaster()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=25)

for epoch in range(25):
    model.train()
    state, total, chunks = None, 0.0, 0
    for start in range(0, cut - CHUNK, CHUNK):
        x, y = train[:, start : start + CHUNK], train[:, start + 1 : start + CHUNK + 1]
        if state is not None:
            state = tuple(s.detach() for s in state)
        prediction, state = model(x, state)
        loss = nn.functional.mse_loss(prediction, y)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        total += loss.item()
        chunks += 1
    scheduler.step()
    if epoch % 5 == 4:
        print(f"pass {epoch + 1:2d}  mse {total / chunks:.5f}")

model.eval()
with torch.no_grad():
    prediction, _ = model(test[:, :-1])
error = (prediction[:, 200:] - test[:, 201:]).pow(2).mean().item()
still = (test[:, 200:-1] - test[:, 201:]).pow(2).mean().item()
print(f"mse {error:.4f}, of repeating the last level {still:.4f}")
print(f"score: {1 - error / test[:, 201:].var().item():.4f}")
