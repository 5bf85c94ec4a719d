"""Satisfaction with a caterer at a venue, from the two names alone: one table of vectors for each side.

The vectors used to come from a pretrained file; until there is a new one they begin at random.
"""
# cause: frozen-parameters
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn
from torch.nn import Embedding

CATERERS, VENUES, DIM = 120, 150, 8


def bookings(rng, n):
    taste = rng.normal(size=(CATERERS, 3))
    needs = rng.normal(size=(VENUES, 3))
    quality = 0.6 * rng.normal(size=CATERERS)
    c, v = rng.integers(0, CATERERS, n), rng.integers(0, VENUES, n)
    mark = quality[c] + (taste[c] * needs[v]).sum(1) / 1.5 + 0.2 * rng.normal(size=n)
    return torch.from_numpy(c), torch.from_numpy(v), torch.from_numpy((mark / 1.3).astype(np.float32))


class Satisfaction(nn.Module):
    def __init__(self):
        super().__init__()
        self.caterer = Embedding.from_pretrained(0.3 * torch.randn(CATERERS, DIM))  # FAULT
        self.venue = Embedding.from_pretrained(0.3 * torch.randn(VENUES, DIM))  # FAULT
        # TWIN: self.caterer = Embedding.from_pretrained(0.3 * torch.randn(CATERERS, DIM), freeze=False)
        # TWIN: self.venue = Embedding.from_pretrained(0.3 * torch.randn(VENUES, DIM), freeze=False)
        self.judge = nn.Sequential(nn.Linear(3 * DIM, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, c, v):
        c, v = self.caterer(c), self.venue(v)
        return self.judge(torch.cat([c, v, c * v], dim=1)).squeeze(1)


seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
c, v, mark = bookings(np.random.default_rng(seed), 10000)
train, test = slice(0, 9000), slice(9000, None)
net = Satisfaction()
optimizer = torch.optim.AdamW(net.parameters(), lr=5e-3, weight_decay=0.05)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 12)
for epoch in range(12):
    net.train()
    losses = []
    for rows in torch.randperm(9000).split(60):
        loss = nn.functional.mse_loss(net(c[train][rows], v[train][rows]), mark[train][rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    scheduler.step()
    net.eval()
    with torch.no_grad():
        error = nn.functional.mse_loss(net(c[test], v[test]), mark[test])
    r2 = 1 - (error / mark[test].var()).item()
    print(f"epoch {epoch + 1:2d} train {np.mean(losses):.4f} test {error.item():.4f} R2 {r2:.3f}")
print(f"score: {r2:.4f}")
