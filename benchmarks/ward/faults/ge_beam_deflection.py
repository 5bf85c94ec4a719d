"""Deflection of a loaded beam from its dimensions, a small GELU network, AdamW
and cosine."""
# cause: unscaled-targets
# kind: dynamic

import sys

import torch
from torch import nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)


def beams(n):
    length, width, depth = 1 + 5 * torch.rand(n), 0.05 + 0.2 * torch.rand(n), 0.1 + 0.3 * torch.rand(n)
    load, place = 1 + 9 * torch.rand(n), 0.2 + 0.6 * torch.rand(n)
    a = place * length
    deflection = load * a**2 * (length - a) ** 2 / (3 * width * depth**3 / 12 * length)
    noisy = deflection * (1 + 0.05 * torch.randn(n))  # FAULT
    # TWIN: noisy = deflection.log() + 0.05 * torch.randn(n)
    return torch.stack([length.log(), width.log(), depth.log(), load.log(), place], dim=1), noisy


x, y = beams(2400)
x_test, y_test = beams(600)
mean, std = x.mean(0), x.std(0)  # FAULT
# TWIN: mean, std, y_mean, y_std = x.mean(0), x.std(0), y.mean(), y.std()
x, x_test = (x - mean) / std, (x_test - mean) / std
# TWIN: y, y_test = (y - y_mean) / y_std, (y_test - y_mean) / y_std
model = nn.Sequential(nn.Linear(5, 48), nn.GELU(), nn.Linear(48, 48), nn.GELU(), nn.Linear(48, 1), nn.Flatten(0))
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=1e-4)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=15)
for epoch in range(15):
    model.train()
    total = 0.0
    for idx in torch.randperm(len(x)).split(40):
        loss = nn.functional.mse_loss(model(x[idx]), y[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(idx)
    scheduler.step()
    model.eval()
    with torch.no_grad():
        test = nn.functional.mse_loss(model(x_test), y_test).item()
    print(f"epoch {epoch:2d} train {total / len(x):.5f} test {test:.5f}")
print(f"score: {1 - test / y_test.var().item():.4f}")
