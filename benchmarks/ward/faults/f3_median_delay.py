"""Median delay of trains by pinball loss. The network gives (N, 1) and the targets are (N,), so their difference is an
N x N matrix and the best answer is one number for all trains."""
# cause: broadcast-loss
# kind: dynamic

import sys

import torch
from torch import nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)


def trains(n):
    hour = torch.rand(n) * 18 + 5
    stops = torch.randint(3, 20, (n,)).float()
    rain = torch.distributions.Gamma(1.0, 1.0).sample((n,))
    rush = torch.exp(-((hour - 8) ** 2) / 8) + torch.exp(-((hour - 17.5) ** 2) / 8)
    median = 1.0 + 8.0 * rush + 0.15 * stops + 1.5 * rain.clamp(max=2)
    delay = median * torch.exp(0.1 * torch.randn(n))
    features = torch.stack([(hour - 14) / 5, (stops - 11) / 5, rain - 1], dim=1)
    return features, delay / 5


def pinball(pred, target, q=0.5):
    err = target - pred
    return torch.maximum(q * err, (q - 1) * err).mean()


x, y = trains(1500)
x_hold, y_hold = trains(500)
model = nn.Sequential(nn.Linear(3, 32), nn.SiLU(), nn.Linear(32, 32), nn.SiLU(), nn.Linear(32, 1))
opt = torch.optim.NAdam(model.parameters(), lr=3e-3)
for epoch in range(1, 41):
    total = 0.0
    for rows in torch.randperm(1500).split(50):
        opt.zero_grad()
        pred = model(x[rows])  # FAULT
        # TWIN: pred = model(x[rows]).squeeze(1)
        loss = pinball(pred, y[rows])
        loss.backward()
        opt.step()
        total += loss.item() * len(rows)
    if epoch % 5 == 0:
        print(f"epoch {epoch}, pinball {total / 1500:.4f}")

with torch.no_grad():
    guess = model(x_hold)[:, 0]
mae = (guess - y_hold).abs().mean()
base = (y.median() - y_hold).abs().mean()
print(f"mean absolute error {mae.item():.4f}")
print(f"score: {1 - (mae / base).item():.4f}")
