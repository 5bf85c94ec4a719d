"""Matrix factorisation of shop-by-article demand from 60 % of the table; the held-out cells are the test.

Fault: all factors start at the same constant (chosen so that the dot product gives the mean), so the eight dimensions
receive the same gradient and stay one.
"""
# cause: symmetric-initialization
# accept: bad-initialization
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
rng = np.random.default_rng(seed)

shops, articles, rank = 150, 120, 8
demand = rng.normal(0, 1, (shops, 4)) @ rng.normal(0, 1, (4, articles)) / 2
demand += 1.0 + 0.1 * rng.normal(0, 1, demand.shape)
rows, cols = np.meshgrid(np.arange(shops), np.arange(articles), indexing="ij")
order = rng.permutation(rows.size)
rows, cols, values = (torch.from_numpy(a.ravel()[order]) for a in (rows, cols, demand.astype(np.float32)))
cut = int(0.6 * len(values))


class Factors(nn.Module):
    def __init__(self):
        super().__init__()
        self.shop = nn.Embedding(shops, rank)
        self.article = nn.Embedding(articles, rank)
        self.offset = nn.Parameter(torch.zeros(()))
        nn.init.constant_(self.shop.weight, (1.0 / rank) ** 0.5)  # FAULT
        nn.init.constant_(self.article.weight, (1.0 / rank) ** 0.5)  # FAULT
        # TWIN: nn.init.normal_(self.shop.weight, std=(1.0 / rank) ** 0.5)
        # TWIN: nn.init.normal_(self.article.weight, std=(1.0 / rank) ** 0.5)

    def forward(self, s, a):
        return (self.shop(s) * self.article(a)).sum(1) + self.offset


model = Factors()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(25):
    perm = torch.randperm(cut)
    sq_err = 0.0
    for i in range(0, cut, 256):
        b = perm[i : i + 256]
        err = model(rows[b], cols[b]) - values[b]
        loss = err.pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        sq_err += err.detach().pow(2).sum().item()
    with torch.no_grad():
        held_out = (model(rows[cut:], cols[cut:]) - values[cut:]).pow(2).mean().item()
    if epoch % 3 == 0:
        print(f"epoch {epoch:2d}  rmse {np.sqrt(sq_err / cut):.4f}  held-out rmse {np.sqrt(held_out):.4f}")

print(f"score: {1 - held_out / values[cut:].var().item():.4f}")
