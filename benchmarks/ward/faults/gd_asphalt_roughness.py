"""Roughness of asphalt from accelerometer windows, with a rate that swings between 1e-4 and 2e-2 every sixty steps, and
the training loss with it."""
# cause: output-range
# kind: dynamic

import sys

import torch
import torch.nn.functional as F
from torch import nn


def drives(n):
    t = torch.arange(50) / 50
    rough, slope = torch.rand(n, 1), torch.randn(n, 1)
    bumps = rough * 1.5 * torch.randn(n, 50)
    engine = 0.5 * torch.sin(6.283 * (7 * t + torch.rand(n, 1)))
    return (bumps + engine + slope * 0.3).unsqueeze(1), (rough.squeeze(1) - 0.5) * 3.46


class Road(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(1, 24, 7)
        self.fc1 = nn.Linear(48, 32)
        self.fc2 = nn.Sequential(nn.Linear(32, 1), nn.Sigmoid())  # FAULT
        # TWIN: self.fc2 = nn.Linear(32, 1)

    def forward(self, x):
        h = F.relu(self.conv(x))
        h = torch.cat([h.mean(2), h.std(2)], dim=1)
        return self.fc2(F.relu(self.fc1(h))).squeeze(1)


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    x, y = drives(2400)
    x_val, y_val = drives(600)
    road = Road()
    optimizer = torch.optim.SGD(road.parameters(), lr=1e-4, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.CyclicLR(
        optimizer, base_lr=1e-4, max_lr=2e-2, step_size_up=60, cycle_momentum=False, mode="triangular2"
    )
    for epoch in range(15):
        for idx in torch.randperm(len(x)).split(50):
            loss = F.mse_loss(road(x[idx]), y[idx])
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(road.parameters(), 2.0)
            optimizer.step()
            scheduler.step()
        with torch.no_grad():
            r2 = 1 - (F.mse_loss(road(x_val), y_val) / y_val.var()).item()
        print(f"epoch {epoch} lr {scheduler.get_last_lr()[0]:.5f} loss {loss.item():.4f} r2 {r2:.4f}")
    print(f"score: {r2:.4f}")
