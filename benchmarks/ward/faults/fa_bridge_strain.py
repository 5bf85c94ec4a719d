"""Estimate the weight of a lorry from the strain a bridge shows while it passes: 1-d convolutions, Huber loss."""
# cause: broadcast-loss
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
rng = np.random.default_rng(seed)
SAMPLES = 48
hyper = {"lr": 2e-3, "batch": 40, "epochs": 14, "delta": 1.0, "weight_decay": 1e-4}


def passages(n):
    """Every axle is a bump; heavy lorries have higher ones, fast ones narrower ones."""
    t = np.arange(SAMPLES)
    tons = rng.uniform(5, 40, n)
    axles = rng.integers(2, 5, n)
    width = rng.uniform(2.0, 4.0, n)
    start = rng.uniform(6, 14, n)
    strain = np.zeros((n, SAMPLES))
    for k in range(4):
        centre = start + k * 2.6 * width
        bump = np.exp(-0.5 * ((t - centre[:, None]) / width[:, None]) ** 2)
        strain += (k < axles)[:, None] * (tons / axles)[:, None] * bump / 10
    return strain + 0.08 * rng.normal(size=strain.shape), tons


def huber(prediction, target, delta):
    error = (prediction - target).abs()
    return torch.where(error < delta, 0.5 * error**2, delta * (error - 0.5 * delta)).mean()


class StrainNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv1d(1, 16, 5, padding=2), nn.ReLU(), nn.MaxPool1d(2), nn.Conv1d(16, 24, 5, padding=2), nn.ReLU()
        )
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(24 * SAMPLES // 2, 48), nn.ReLU(), nn.Linear(48, 1))

    def forward(self, strain):
        return self.head(self.conv(strain[:, None]))  # FAULT
        # TWIN: return self.head(self.conv(strain[:, None])).squeeze(1)


def tensors(strain, tons, shift, scale):
    as_tensor = torch.from_numpy((strain - shift) / scale).float()
    return as_tensor, torch.from_numpy((tons - 22.5) / 10).float()


strain, tons = passages(2500)
shift, scale = strain.mean(), strain.std()
x, y = tensors(strain, tons, shift, scale)
x_test, y_test = tensors(*passages(500), shift, scale)
net = StrainNet()
optimizer = torch.optim.AdamW(net.parameters(), lr=hyper["lr"], weight_decay=hyper["weight_decay"])
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, hyper["epochs"])

for epoch in range(hyper["epochs"]):
    net.train()
    losses = []
    for rows in torch.randperm(len(x)).split(hyper["batch"]):
        optimizer.zero_grad()
        loss = huber(net(x[rows]), y[rows], hyper["delta"])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    scheduler.step()
    print(f"epoch {epoch + 1:2d}  huber {np.mean(losses):.4f}")

net.eval()
with torch.no_grad():
    guess = net(x_test).flatten()
print(f"mean error {10 * (guess - y_test).abs().mean().item():.2f} t")
print(f"score: {1 - ((guess - y_test) ** 2).mean().item() / y_test.var().item():.4f}")
