"""Fits demand for electricity in two sittings, as on a cluster with a time limit: the first ends in a checkpoint, the
second builds everything anew, loads it and goes on."""

import io
import sys

import torch
from torch import nn


def demand(n):
    hour, heat, work = torch.rand(n) * 24, torch.randn(n), (torch.rand(n) < 5 / 7).float()
    angle = hour / 24 * 6.283
    load = torch.sin(angle - 1) * (0.4 + work) + 0.5 * heat.square() * 0.5 + 0.4 * heat * torch.cos(angle)
    x = torch.stack([angle.sin(), angle.cos(), (2 * angle).sin(), (2 * angle).cos(), heat, 2 * work - 1], dim=1)
    return x, (load + 0.08 * torch.randn(n)).unsqueeze(1)


def build():
    model = nn.Sequential(nn.Linear(6, 48), nn.SiLU(), nn.Linear(48, 48), nn.SiLU(), nn.Linear(48, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 20, eta_min=1e-4)
    return model, optimizer, scheduler


def sitting(data, val, epochs, checkpoint=None):
    model, optimizer, scheduler = build()
    first = 0
    if checkpoint is not None:
        saved = torch.load(checkpoint)
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        scheduler.load_state_dict(saved["scheduler"])
        first = saved["epoch"]
        print(f"resumed at epoch {first}")
    x, y = data
    for epoch in range(first, first + epochs):
        for idx in torch.randperm(len(x)).split(50):
            loss = nn.functional.mse_loss(model(x[idx]), y[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        scheduler.step()
        with torch.no_grad():
            r2 = 1 - (nn.functional.mse_loss(model(val[0]), val[1]) / val[1].var()).item()
        print(f"epoch {epoch} loss {loss.item():.5f} r2 {r2:.4f}")
    buffer = io.BytesIO()
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "scheduler": scheduler.state_dict()}
    torch.save({**state, "epoch": first + epochs}, buffer)
    buffer.seek(0)
    return buffer, r2


torch.set_num_threads(1)
torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
data, val = demand(2500), demand(500)
checkpoint, _ = sitting(data, val, epochs=10)
_, r2 = sitting(data, val, epochs=10, checkpoint=checkpoint)
print(f"score: {r2:.4f}")
