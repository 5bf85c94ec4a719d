"""Predicts bids at an auction whose currency loses value while we watch, so that targets grow tenfold over the stream.

The last layer predicts standardised bids. Mean and spread of the bids are followed by moving averages, and at each
change the last layer is rewritten so that its predictions in money stay what they were (van Hasselt et al., 2016).
"""

import sys

import torch
from torch import nn

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
STEPS, BATCH, BETA = 4000, 32, 0.01


def lots(n, time):
    """Lots and the bids on them when a share `time` of the stream has passed."""
    x = torch.randn(n, 8)
    worth = 2 + torch.tanh(x[:, 0] * 2) + 0.5 * x[:, 1].relu() + 0.5 * torch.sin(x[:, 2] * 2) - 0.3 * x[:, 3]
    return x, 10 ** (1 + time) * (worth + 0.1 * torch.randn(n))


class AdaptiveHead(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = nn.Linear(width, 1)
        self.register_buffer("mean", torch.tensor(20.0))
        self.register_buffer("square", torch.tensor(500.0))

    @property
    def spread(self):
        return (self.square - self.mean**2).clamp_min(1e-4).sqrt()

    @torch.no_grad()
    def follow(self, bids):
        old_mean, old_spread = self.mean.clone(), self.spread
        self.mean += BETA * (bids.mean() - self.mean)
        self.square += BETA * ((bids**2).mean() - self.square)
        self.linear.weight *= old_spread / self.spread
        self.linear.bias.copy_((old_spread * self.linear.bias + old_mean - self.mean) / self.spread)

    def forward(self, features):
        return self.linear(features).squeeze(1)


body = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU())
head = AdaptiveHead(64)
optimizer = torch.optim.Adam([*body.parameters(), *head.parameters()], lr=1e-3)
for step in range(STEPS):
    x, bids = lots(BATCH, step / STEPS)
    head.follow(bids)
    loss = nn.functional.smooth_l1_loss(head(body(x)), (bids - head.mean) / head.spread)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 500 == 499:
        print(f"step {step + 1}: loss {loss.item():.4f}, bids {head.mean.item():.1f} +- {head.spread.item():.1f}")

with torch.no_grad():
    x, bids = lots(2000, 1.0)
    money = head(body(x)) * head.spread + head.mean
    r2 = 1 - ((money - bids) ** 2).mean().item() / bids.var().item()
print(f"score: {r2:.4f}")
