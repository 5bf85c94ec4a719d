"""Median particle size from simulated laser-diffraction pictures, regressed by a CNN on log size.

The optics simulator was the slow part of an earlier version, so its pictures are drawn before the training begins.
"""
# cause: overfitting
# kind: dynamic

import sys

import torch
import torch.nn.functional as F
from torch import nn

SIDE, BATCH, STEPS = 20, 40, 600


class Optics:
    """Rings of a diffraction pattern, more of them for larger particles, with speckle and an unknown exposure."""

    def __init__(self, seed):
        self.generator = torch.Generator().manual_seed(seed)
        axis = torch.linspace(-1, 1, SIDE)
        self.radius = (axis[:, None] ** 2 + axis[None, :] ** 2).sqrt()

    def draw(self, n):
        size = torch.rand(n, generator=self.generator) * 2 - 1
        rings = torch.cos(self.radius * (6 + 4 * size)[:, None, None])
        exposure = 0.6 + 0.8 * torch.rand(n, 1, 1, generator=self.generator)
        speckle = 2.2 * torch.randn(n, SIDE, SIDE, generator=self.generator)
        return (exposure * rings + speckle).unsqueeze(1), size.unsqueeze(1)


class Sizer(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 24, 3, padding=1)
        self.hidden = nn.Linear(24 * 25, 128)
        self.size = nn.Linear(128, 1)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.size(F.relu(self.hidden(x.flatten(1))))


def evaluate(model, pictures, sizes):
    model.eval()
    with torch.no_grad():
        error = F.mse_loss(model(pictures), sizes).item()
    model.train()
    return error


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    optics = Optics(seed)
    held_out = optics.draw(500)
    drawn = [optics.draw(BATCH) for _ in range(4)]  # FAULT
    # TWIN: drawn = [optics.draw(BATCH) for _ in range(STEPS)]

    model = Sizer()
    optimizer = torch.optim.Adam(model.parameters(), lr=1.5e-3)
    decay = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
    running = 0.0
    for step in range(STEPS):
        pictures, sizes = drawn[step % len(drawn)]
        loss = F.mse_loss(model(pictures), sizes)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        decay.step()
        running += loss.item() / 50
        if step % 50 == 49:
            print(f"step {step + 1:3d}  train {running:.4f}  held-out {evaluate(model, *held_out):.4f}")
            running = 0.0
    error = evaluate(model, *held_out)
    print(f"score: {1 - error / held_out[1].var(unbiased=False).item():.4f}")


if __name__ == "__main__":
    main()
