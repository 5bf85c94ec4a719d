"""Particles told apart by few bright cells on an empty picture of 40 by 40. Score: held-out accuracy."""
# cause: overfitting
# kind: dynamic

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)


def shower(n):
    y = torch.randint(0, 3, (n,))
    centre = 20 + 2 * torch.randn(n, 1, 2)
    width = torch.tensor([1.0, 2.0, 3.5])[y][:, None, None] * torch.tensor([1.0, 1.0])
    cells = (centre + width * torch.randn(n, 14, 2)).round().clamp(0, 39).long()
    x = torch.zeros(n, 1600).scatter_add_(1, cells[..., 0] * 40 + cells[..., 1], 0.2 + torch.rand(n, 14))
    return x.view(n, 1, 40, 40), y


# TWIN: x, y = shower(1500)
x, y = shower(48)  # FAULT
x_test, y_test = shower(500)
net = nn.Sequential(
    nn.Conv2d(1, 8, 5, stride=2),
    nn.ReLU(),
    nn.Conv2d(8, 16, 3, stride=2),
    nn.ReLU(),
    nn.Flatten(),
    nn.Linear(16 * 64, 3),
)
optimizer = torch.optim.Adam(net.parameters(), lr=5e-4)
# TWIN: for epoch in range(12):
for epoch in range(300):  # FAULT
    for part in torch.randperm(len(x)).split(16):
        optimizer.zero_grad()
        F.cross_entropy(net(x[part]), y[part]).backward()
        optimizer.step()
    with torch.no_grad():
        score = (net(x_test).argmax(1) == y_test).float().mean().item()
    print(epoch, score)
print(f"score: {score:.4f}")
