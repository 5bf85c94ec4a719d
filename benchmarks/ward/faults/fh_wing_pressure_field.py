"""Emulator of a wind tunnel: from six settings of a wing to the 32 x 32 pressure field above it.

A small dense layer gives a 4 x 4 map, three transposed convolutions enlarge it. The decoder was copied from a
segmentation head that doubled its maps with 3 x 3 kernels.
"""
# cause: checkerboard
# kind: structural

import sys

import numpy as np
import torch
from torch import nn

CONFIG = {
    "fields": 1400,
    "epochs": 32,
    "batch": 32,
    "lr": 2e-3,
    "up": {"kernel_size": 3, "stride": 2, "padding": 1, "output_padding": 1},  # FAULT
    # TWIN: "up": {"kernel_size": 4, "stride": 2, "padding": 1},
}


def wind_tunnel(settings):
    """Pressure at 32 x 32 points: a suction peak, a stagnation ridge and a wake."""
    axis = np.linspace(-1, 1, 32)
    x, y = np.meshgrid(axis, axis)
    a, b, c, d, e, f = (settings[:, i, None, None] for i in range(6))
    peak = np.exp(-((x - 0.4 * a) ** 2 + (y - 0.4 * b) ** 2) / (0.12 + 0.05 * c))
    ridge = np.exp(-((x + y * d + 0.5) ** 2) / 0.15)
    wake = np.tanh(2 * (y - 0.5 * e * x)) * (0.5 + 0.3 * f)
    return (wake - 1.5 * peak + 0.8 * ridge)[:, None]


class Emulator(nn.Module):
    def __init__(self, up):
        super().__init__()
        self.start = nn.Sequential(nn.Linear(6, 128), nn.SiLU(), nn.Linear(128, 16 * 4 * 4), nn.SiLU())
        self.grow = nn.Sequential(
            nn.ConvTranspose2d(16, 12, **up),
            nn.SiLU(),
            nn.ConvTranspose2d(12, 8, **up),
            nn.SiLU(),
            nn.ConvTranspose2d(8, 1, **up),
        )

    def forward(self, settings):
        return self.grow(self.start(settings).view(-1, 16, 4, 4))


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    settings = rng.uniform(-1, 1, (CONFIG["fields"] + 300, 6))
    fields = wind_tunnel(settings)
    n = CONFIG["fields"]
    fields = (fields - fields[:n].mean()) / fields[:n].std()
    settings = torch.tensor(settings, dtype=torch.float32) * 1.7
    fields = torch.tensor(fields, dtype=torch.float32)

    model = Emulator(CONFIG["up"])
    optimizer = torch.optim.Adam(model.parameters(), lr=CONFIG["lr"])
    steps = CONFIG["epochs"] * (-(-n // CONFIG["batch"]))
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for epoch in range(CONFIG["epochs"]):
        model.train()
        total = 0.0
        for rows in torch.randperm(n).split(CONFIG["batch"]):
            loss = nn.functional.mse_loss(model(settings[rows]), fields[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item() * len(rows)
        model.eval()
        with torch.no_grad():
            error = nn.functional.mse_loss(model(settings[n:]), fields[n:]).item()
        if epoch % 5 == 4:
            print(f"epoch {epoch + 1:3d}  train {total / n:.5f}  held out {error:.5f}")
    print(f"score: {-10 * np.log10(error):.3f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
