"""Removes noise from pulse trains with a one-dimensional U-shaped network that predicts the noise, not the signal."""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F


def pulses(n, gen):
    t = torch.arange(64.0)
    signal = torch.zeros(n, 64)
    for _ in range(3):
        place = 5 + 54 * torch.rand(n, 1, generator=gen)
        height = 0.8 + 1.2 * torch.rand(n, 1, generator=gen)
        signal += height * torch.exp(-((t - place) ** 2) / 8)
    noise = 0.5 * torch.randn(n, 64, generator=gen)
    return (signal + noise).unsqueeze(1), noise.unsqueeze(1)


class UNet1d(nn.Module):
    def __init__(self, width=12):
        super().__init__()
        self.down = nn.Conv1d(1, width, 5, padding=2)
        self.middle = nn.Conv1d(width, 2 * width, 5, padding=2)
        self.deep = nn.Conv1d(2 * width, 2 * width, 5, padding=2)
        self.up = nn.Conv1d(3 * width, width, 5, padding=2)
        self.out = nn.Conv1d(width, 1, 1)

    def forward(self, x):
        a = F.silu(self.down(x))
        b = F.silu(self.deep(F.silu(self.middle(F.avg_pool1d(a, 2)))))
        b = F.interpolate(b, scale_factor=2, mode="linear", align_corners=False)
        return self.out(F.silu(self.up(torch.cat([a, b], dim=1))))


torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
gen = torch.Generator().manual_seed(seed)
x, noise = pulses(1200, gen)
x_test, noise_test = pulses(300, gen)
model = UNet1d()
optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3)
epochs = 10
scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=4e-3, total_steps=epochs * 30)
for epoch in range(epochs):
    total = 0.0
    for idx in torch.randperm(1200).split(40):
        loss = F.mse_loss(model(x[idx]), noise[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        total += loss.item()
    with torch.no_grad():
        test = F.mse_loss(model(x_test), noise_test).item()
    print(f"epoch {epoch} train {total / 30:.4f} test {test:.4f}")
print(f"score: {1 - test / noise_test.var().item():.4f}")
