"""Total electron content from time and place: three hundred cosine features drawn once and kept as a buffer, and one
linear layer that is trained on them."""

import math
import sys

import torch
from torch import nn


class CosineFeatures(nn.Module):
    def __init__(self, n_in, n_features, width):
        super().__init__()
        self.register_buffer("frequency", torch.randn(n_in, n_features) / width)
        self.register_buffer("phase", 2 * math.pi * torch.rand(n_features))

    def forward(self, x):
        return math.sqrt(2.0) * torch.cos(x @ self.frequency + self.phase)


def content(n):
    x = torch.rand(n, 3) * 2 - 1
    tec = torch.sin(3 * x[:, 0]) * torch.exp(-x[:, 1].square()) + 0.6 * torch.cos(2 * x[:, 2] + x[:, 0])
    return x, tec + 0.05 * torch.randn(n)


torch.set_num_threads(1)
torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
x, tec = content(3000)
x_val, tec_val = content(600)
model = nn.Sequential(CosineFeatures(3, 300, width=0.7), nn.Linear(300, 1), nn.Flatten(0))
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.85)
for epoch in range(18):
    total = 0.0
    for idx in torch.randperm(len(x)).split(50):
        loss = nn.functional.mse_loss(model(x[idx]), tec[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(idx)
    schedule.step()
    with torch.no_grad():
        val = nn.functional.mse_loss(model(x_val), tec_val).item()
    print(f"epoch {epoch} train {total / len(x):.5f} val {val:.5f}")
print(f"score: {1 - val / tec_val.var().item():.4f}")
