"""Probability of floors of 6 x 6 black and white tiles, tile by tile, by a masked autoencoder for density estimation.

The masks in the weights see to it that every tile is predicted from those before it only.
"""

import sys

import torch
import torch.nn.functional as F
from torch import nn

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
SIDE = 6
TILES = SIDE * SIDE


def floors(n):
    """A rectangle of one colour on a ground of the other, with one tile in fifty laid wrongly."""
    top, left = torch.randint(0, 4, (n, 1, 1)), torch.randint(0, 4, (n, 1, 1))
    height, width = torch.randint(2, 4, (n, 1, 1)), torch.randint(2, 4, (n, 1, 1))
    y, x = torch.arange(SIDE).view(1, -1, 1), torch.arange(SIDE).view(1, 1, -1)
    inside = (y >= top) & (y < top + height) & (x >= left) & (x < left + width)
    floor = inside ^ (torch.rand(n, 1, 1) < 0.5) ^ (torch.rand(n, SIDE, SIDE) < 0.02)
    return floor.flatten(1).float()


class MaskedLinear(nn.Linear):
    def __init__(self, before, after, strict):
        super().__init__(len(before), len(after))
        allowed = after[:, None] > before[None, :] if strict else after[:, None] >= before[None, :]
        self.register_buffer("mask", allowed.float())

    def forward(self, x):
        return F.linear(x, self.weight * self.mask, self.bias)


class Made(nn.Module):
    def __init__(self, hidden=256):
        super().__init__()
        order, degrees = torch.arange(TILES), torch.arange(hidden) % (TILES - 1)
        self.first = MaskedLinear(order, degrees, strict=False)
        self.second = MaskedLinear(degrees, degrees, strict=False)
        self.last = MaskedLinear(degrees, order, strict=True)

    def forward(self, x):
        h = F.relu(self.first(2 * x - 1))
        return self.last(h + F.relu(self.second(h)))


model = Made()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
steps = 1800
schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
test = floors(2000)


def bits(x):
    return F.binary_cross_entropy_with_logits(model(x), x, reduction="none").sum(1).mean() / 0.6931


for step in range(1, steps + 1):
    loss = bits(floors(100))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    schedule.step()
    if step % 200 == 0:
        with torch.no_grad():
            print(f"step {step}: train {loss.item():.3f} bits, test {bits(test).item():.3f} bits of {TILES}")
with torch.no_grad():
    print(f"score: {1 - bits(test).item() / TILES:.4f}")
