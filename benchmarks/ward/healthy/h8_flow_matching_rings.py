"""Generate points on two interlocking half rings: a velocity field learned along straight paths from noise to data.

Score: minus the (unbiased) energy distance between generated and held-out points; compared with plain noise.
"""

import sys

import torch
from torch import nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)


def data(n):
    angle = torch.rand(n) * torch.pi
    upper = torch.rand(n) < 0.5
    x = torch.where(upper, angle.cos(), 1 - angle.cos())
    y = torch.where(upper, angle.sin(), 0.4 - angle.sin())
    points = torch.stack([x - 0.5, y - 0.2], dim=1) * 1.4
    return points + 0.1 * torch.randn(n, 2)


class Velocity(nn.Module):
    def __init__(self, width=96):
        super().__init__()
        self.register_buffer("frequencies", torch.tensor([1.0, 2.0, 4.0]) * torch.pi)
        self.net = nn.Sequential(
            nn.Linear(2 + 6, width),
            nn.SiLU(),
            nn.Linear(width, width),
            nn.SiLU(),
            nn.Linear(width, width),
            nn.SiLU(),
            nn.Linear(width, 2),
        )

    def forward(self, x, t):
        phase = t[:, None] * self.frequencies
        return self.net(torch.cat([x, phase.sin(), phase.cos()], dim=1))


@torch.no_grad()
def generate(field, n, steps=40):
    x = torch.randn(n, 2)
    for k in range(steps):
        now = torch.full((n,), k / steps)
        middle = x + field(x, now) / (2 * steps)
        x = x + field(middle, now + 1 / (2 * steps)) / steps
    return x


def energy_distance(a, b):
    def within(p):
        return torch.cdist(p, p).sum() / (len(p) * (len(p) - 1))

    return (2 * torch.cdist(a, b).mean() - within(a) - within(b)).item()


field = Velocity()
optimizer = torch.optim.Adam(field.parameters(), lr=5e-3)
schedule = torch.optim.lr_scheduler.LinearLR(optimizer, start_factor=1.0, end_factor=0.05, total_iters=1400)
average = 0.0
for step in range(1, 1401):
    target = data(256)
    noise = torch.randn_like(target)
    t = torch.rand(256)
    position = (1 - t[:, None]) * noise + t[:, None] * target
    loss = (field(position, t) - (target - noise)).square().sum(1).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    schedule.step()
    average += loss.item() / 200
    if step % 200 == 0:
        print(f"step {step:4d} mean loss {average:.4f}")
        average = 0.0

held_out = data(3000)
print(f"energy distance of plain noise {energy_distance(torch.randn(3000, 2), held_out):.4f}")
print(f"score: {-energy_distance(generate(field, 3000), held_out):.5f}")
