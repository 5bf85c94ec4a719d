"""Earthquake, quarry blast or noise, from ten-second seismograms in raw digitizer counts."""
# cause: unscaled-inputs
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
rng = np.random.default_rng(seed + 7)
T = 50


def seismograms(n):
    label = rng.integers(0, 3, n)
    t = np.arange(T)
    out = np.zeros((n, T, 3))
    for i, kind in enumerate(label):
        trace = rng.normal(0, 350, (T, 3))
        if kind != 2:
            onset = rng.integers(5, 15)
            delay = 12 if kind == 0 else 4
            p = np.where(t >= onset, np.exp(-(t - onset).clip(0) / 6), 0)
            s = np.where(t >= onset + delay, np.exp(-(t - onset - delay).clip(0) / 10), 0)
            size = rng.uniform(1500, 4000)
            trace[:, 2] += size * p * np.sin(t * 1.9)
            trace[:, :2] += (size * (1.6 if kind == 0 else 0.8) * s * np.sin(t * 0.9))[:, None]
        out[i] = trace
    return out.round(), label


class Picker(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(3, 32, batch_first=True)
        self.fc = nn.Linear(32, 3)

    def forward(self, x):
        h, _ = self.lstm(x)
        return self.fc(h.mean(dim=1))


x_train, y_train = seismograms(900)
x_test, y_test = seismograms(300)
# TWIN: x_train, x_test = x_train / 1000, x_test / 1000
x_train, x_test = torch.FloatTensor(x_train), torch.FloatTensor(x_test)
y_train, y_test = torch.LongTensor(y_train), torch.LongTensor(y_test)
model = Picker()
opt = torch.optim.Adam(model.parameters(), lr=3e-3)
criterion = nn.CrossEntropyLoss()
for epoch in range(12):
    perm = torch.randperm(900)
    for i in range(0, 900, 30):
        idx = perm[i : i + 30]
        opt.zero_grad()
        loss = criterion(model(x_train[idx]), y_train[idx])
        loss.backward()
        opt.step()
    with torch.no_grad():
        acc = (model(x_test).argmax(-1) == y_test).float().mean().item()
    print("epoch", epoch, f"loss {loss.item():.4f} test acc {acc:.3f}")
print(f"score: {acc:.4f}")
