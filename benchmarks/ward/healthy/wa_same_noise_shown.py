"""A generator of points by flow matching; after each epoch the same noise is drawn anew to see what it makes. Score: 1
minus how far their mean distance from the centre is off.
"""

import math
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)


def real(n):
    angle = 2 * math.pi * torch.rand(n)
    return torch.stack([angle.cos(), angle.sin()], 1) * (1 + 0.1 * torch.randn(n, 1))


net = nn.Sequential(nn.Linear(3, 96), nn.SiLU(), nn.Linear(96, 96), nn.SiLU(), nn.Linear(96, 2))
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
points = real(4000)


def show():
    with torch.random.fork_rng():
        torch.manual_seed(7)
        x = torch.randn(500, 2)
    with torch.no_grad():
        for at in range(20):
            x = x + net(torch.cat([x, torch.full((500, 1), at / 20)], 1)) / 20
    return x


for epoch in range(25):
    for part in torch.randperm(len(points)).split(64):
        x, noise, t = points[part], torch.randn(len(part), 2), torch.rand(len(part), 1)
        said = net(torch.cat([(1 - t) * noise + t * x, t], 1))
        loss = F.mse_loss(said, x - noise)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    made = show()
    print(epoch, loss.item(), made.norm(dim=1).mean().item(), made.norm(dim=1).std().item())
print(f"score: {1 - abs(made.norm(dim=1).mean().item() - 1):.4f}")
