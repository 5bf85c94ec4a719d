"""Wave height of the next hours from a buoy's record, dilated causal convolutions, split by time, standardised by the
training part alone."""

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class CausalConv(nn.Module):
    def __init__(self, c_in, c_out, dilation):
        super().__init__()
        self.pad = nn.ConstantPad1d((2 * dilation, 0), 0.0)
        self.conv = nn.Conv1d(c_in, c_out, 3, dilation=dilation)
        self.skip = nn.Conv1d(c_in, c_out, 1) if c_in != c_out else nn.Identity()

    def forward(self, x):
        return torch.relu(self.conv(self.pad(x))) + self.skip(x)


class Forecaster(nn.Module):
    def __init__(self, horizon=4):
        super().__init__()
        self.layers = nn.Sequential(*[CausalConv(2 if d == 1 else 24, 24, d) for d in (1, 2, 4)])
        self.out = nn.Linear(24, horizon)

    def forward(self, x):
        return self.out(self.layers(x)[:, :, -1])


def record(n, rng):
    wind = np.zeros(n)
    wave = np.zeros(n)
    for t in range(1, n):
        wind[t] = 0.97 * wind[t - 1] + 0.25 * rng.normal()
        wave[t] = 0.90 * wave[t - 1] + 0.12 * np.abs(wind[max(t - 4, 0)]) + 0.02 * rng.normal()
    return np.stack([wind, wave], axis=1)


seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
series = record(3000, np.random.default_rng(seed))
cut = 2300
series = (series - series[:cut].mean(0)) / series[:cut].std(0)
x = torch.tensor(np.stack([series[t - 24 : t].T for t in range(24, 2996)])).float()
y = torch.tensor(np.stack([series[t : t + 4, 1] for t in range(24, 2996)])).float()
loader = DataLoader(TensorDataset(x[: cut - 28], y[: cut - 28]), batch_size=64, shuffle=True)
x_test, y_test = x[cut:], y[cut:]
model = Forecaster()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(8):
    model.train()
    losses = []
    for xb, yb in loader:
        loss = nn.functional.mse_loss(model(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    model.eval()
    with torch.no_grad():
        error = (model(x_test) - y_test).square().mean().item()
    print(f"epoch {epoch + 1} train {np.mean(losses):.4f} test {error:.4f}")
print(f"score: {1 - error / y_test.var().item():.4f}")
