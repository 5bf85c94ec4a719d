"""An autoregressive model of binary mosaics: a masked autoencoder (MADE) sees only the tiles that come before.

Its masked weights never get a gradient, and the first output depends on its bias alone. The entropy of the
mosaics is a floor, so the loss ends well above zero. Score: bits saved per tile over independent tiles.
"""

import math
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

SIDE = 6
TILES = SIDE * SIDE


def mosaics(n):
    """A tile mostly continues the stripe above it, or differs from its left neighbour, by the kind of the mosaic."""
    kind = torch.rand(n) < 0.5
    tiles = torch.zeros(n, SIDE, SIDE)
    for r in range(SIDE):
        for c in range(SIDE):
            p = torch.full((n,), 0.5)
            if r and c:
                p = torch.where(kind, 0.05 + 0.9 * tiles[:, r - 1, c], 0.95 - 0.9 * tiles[:, r, c - 1])
            tiles[:, r, c] = (torch.rand(n) < p).float()
    return tiles.flatten(1)


class MaskedLinear(nn.Linear):
    def __init__(self, n_in, n_out, mask):
        super().__init__(n_in, n_out)
        self.register_buffer("mask", mask.float())

    def forward(self, x):
        return F.linear(x, self.weight * self.mask, self.bias)


class Made(nn.Module):
    def __init__(self, hidden=144):
        super().__init__()
        order = torch.arange(TILES)
        degree = torch.arange(hidden) % (TILES - 1)
        self.first = MaskedLinear(TILES, hidden, degree[:, None] >= order[None, :])
        self.second = MaskedLinear(hidden, hidden, degree[:, None] >= degree[None, :])
        self.logits = MaskedLinear(hidden, TILES, order[:, None] > degree[None, :])

    def forward(self, tiles):
        h = F.relu(self.first(2 * tiles - 1))
        h = F.relu(self.second(h))
        return self.logits(h)


def bits(model, tiles):
    return F.binary_cross_entropy_with_logits(model(tiles), tiles) / math.log(2)


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    train, test = mosaics(12000), mosaics(1500)
    model = Made()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 12)
    for epoch in range(12):
        model.train()
        for rows in torch.randperm(len(train)).split(100):
            loss = bits(model, train[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        scheduler.step()
        model.eval()
        with torch.no_grad():
            print(f"epoch {epoch + 1}: {loss.item():.4f} bits, held out {bits(model, test).item():.4f}")
    with torch.no_grad():
        rate = train.mean(0).clamp(0.01, 0.99)
        independent = F.binary_cross_entropy(rate.expand_as(test), test) / math.log(2)
        print(f"score: {(independent - bits(model, test)).item():.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
