"""Boat speed from wind and the trim of two sails. Weight normalisation was put in last week, after a talk."""
# cause: stale-optimizer
# accept: frozen-parameters
# kind: dynamic

import math
import sys

import torch
from torch import nn
from torch.nn.utils.parametrizations import weight_norm
from torch.utils.data import DataLoader, TensorDataset


def sailing_log(n):
    wind = 3 + 9 * torch.rand(n)
    angle = math.pi * (0.2 + 0.75 * torch.rand(n))
    main, jib = torch.rand(n), torch.rand(n)
    best = 0.5 + 0.5 * torch.cos(angle)
    trim = torch.exp(-6 * (main - best) ** 2) * (0.6 + 0.4 * torch.exp(-9 * (jib - best) ** 2))
    speed = wind.sqrt() * torch.sin(angle) * trim * 2 + 0.05 * torch.randn(n)
    features = torch.stack([(wind - 7.5) / 2.6, torch.cos(angle), torch.sin(angle), 4 * main - 2, 4 * jib - 2], dim=1)
    return features, ((speed - 2) / 1.4).unsqueeze(1)


def build(width=64):
    layers = [nn.Linear(5, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU()]
    return nn.Sequential(*layers, nn.Linear(width, 1))


def normalise_weights(model):
    for layer in model:
        if isinstance(layer, nn.Linear):
            weight_norm(layer)
    return model


def evaluate(model, x, y):
    model.eval()
    with torch.no_grad():
        error = nn.functional.mse_loss(model(x), y)
    return error.item(), 1 - (error / y.var()).item()


seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
x, y = sailing_log(3000)
x_val, y_val = sailing_log(600)
loader = DataLoader(TensorDataset(x, y), batch_size=50, shuffle=True)

model = build()
# TWIN: model = normalise_weights(model)
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
model = normalise_weights(model)  # FAULT
scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.9)

log = {"train": [], "val": []}
for epoch in range(25):
    model.train()
    losses = []
    for features, speed in loader:
        loss = nn.functional.mse_loss(model(features), speed)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    scheduler.step()
    error, r2 = evaluate(model, x_val, y_val)
    log["train"].append(sum(losses) / len(losses))
    log["val"].append(error)
    if epoch % 4 == 0:
        print(f"epoch {epoch}: train {log['train'][-1]:.4f} val {error:.4f} R2 {r2:.4f}")
print(f"score: {r2:.4f}")
