"""Estimates a vehicle's heading (unit vector) from twelve noisy magnetic and inertial readings, with an angular loss.

Fault: the loss is the bare arc cosine, whose slope is infinite where prediction and target agree (and NaN past 1).
"""
# cause: unstable-loss
# kind: dynamic

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F


class HeadingNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(12, 64), nn.LeakyReLU(0.1), nn.Linear(64, 64), nn.LeakyReLU(0.1))
        self.to_vector = nn.Linear(64, 2)

    def forward(self, readings):
        return F.normalize(self.to_vector(self.net(readings)), dim=1)


class AngularLoss(nn.Module):
    def forward(self, pred, target):
        cosine = (pred * target).sum(dim=1)
        # TWIN: cosine = cosine.clamp(-1 + 1e-5, 1 - 1e-5)
        return torch.acos(cosine).mean()


def drive(n, mixing, gen):
    angle = 2 * torch.pi * torch.rand(n, generator=gen)
    heading = torch.stack([angle.cos(), angle.sin()], dim=1)
    tilt = 0.3 * torch.randn(n, 2, generator=gen)
    state = torch.cat([heading, tilt, heading[:, :1] * tilt, heading[:, 1:] * tilt], dim=1)
    return state @ mixing + 0.05 * torch.randn(n, 12, generator=gen), heading


torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
gen = torch.Generator().manual_seed(seed)
mixing = torch.randn(8, 12, generator=gen)
readings, heading = drive(3000, mixing, gen)
val_readings, val_heading = drive(500, mixing, gen)

model = HeadingNet()
criterion = AngularLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(15):
    model.train()
    losses = []
    for idx in torch.randperm(3000).split(60):
        optimizer.zero_grad()
        loss = criterion(model(readings[idx]), heading[idx])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    model.eval()
    with torch.no_grad():
        error = 1 - (model(val_readings) * val_heading).sum(1)
        within = (error < 0.0152).float().mean().item()  # ten degrees
    print(f"epoch {epoch + 1:2d} angle {sum(losses) / len(losses):.4f} rad, {100 * within:.1f} % within 10 degrees")

print(f"score: {within:.4f}")
