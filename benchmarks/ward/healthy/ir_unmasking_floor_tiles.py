"""Absorbing discrete diffusion for 6x6 floors of four colours (mirror-symmetric, no two like neighbours in a row).
Tiles are hidden at a random rate t, the network guesses all hidden ones, and the loss is weighted by 1/t, so noisy.
Averaged weights draw the floors. Score: share of rows drawn without a broken rule.
"""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

torch.set_num_threads(1)
SIDE, COLOURS, HIDDEN = 6, 4, 4


def floors(n):
    half = torch.zeros(n, SIDE, SIDE // 2, dtype=torch.long)
    half[:, :, 0] = torch.randint(0, COLOURS, (n, SIDE))
    for j in range(1, SIDE // 2):
        half[:, :, j] = (half[:, :, j - 1] + torch.randint(1, COLOURS, (n, SIDE))) % COLOURS
    return torch.cat([half, half.flip(2)], 2)


def rows_right(floor):
    symmetric = (floor == floor.flip(2)).all(2)
    differs = (floor[:, :, :2] != floor[:, :, 1:3]).all(2)
    return (symmetric & differs).float().mean().item()


class Guesser(nn.Module):
    def __init__(self, width=48):
        super().__init__()
        self.embed = nn.Embedding(COLOURS + 1, 16)
        self.along = nn.Sequential(nn.Linear(16 * SIDE, 96), nn.GELU(), nn.Linear(96, 96), nn.GELU())
        self.out = nn.Linear(96, SIDE * COLOURS)

    def forward(self, floor):
        h = self.along(self.embed(floor).flatten(2))  # every row by itself
        return self.out(h).view(*floor.shape, COLOURS)


def loss_of(net, floor):
    n = len(floor)
    t = (torch.rand(()) + torch.arange(n) / n) % 1 * 0.98 + 0.02  # low-discrepancy times
    hidden = torch.rand(floor.shape) < t[:, None, None]
    logits = net(floor.masked_fill(hidden, HIDDEN))
    nll = F.cross_entropy(logits.permute(0, 3, 1, 2), floor, reduction="none")
    return (nll * hidden / t[:, None, None]).mean()


@torch.no_grad()
def draw(net, n):
    floor = torch.full((n, SIDE, SIDE), HIDDEN)
    order = torch.rand(n, SIDE, SIDE).argsort(2)
    for k in range(SIDE):  # one tile of each row at a time, in random order
        probs = net(floor).softmax(-1)
        guess = torch.multinomial(probs.flatten(0, 2), 1).view(floor.shape)
        floor = torch.where(order == k, guess, floor)
    return floor


if __name__ == "__main__":
    torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    train, held_out = floors(4000), floors(500)
    net = Guesser()
    averaged = AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(0.99))
    optimizer = torch.optim.RAdam(net.parameters(), lr=3e-3)
    steps = 1500
    scheduler = torch.optim.lr_scheduler.PolynomialLR(optimizer, steps)
    for step in range(1, steps + 1):
        loss = loss_of(net, train[torch.randint(0, len(train), (32,))])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        averaged.update_parameters(net)
        if step % 250 == 0:
            with torch.no_grad():
                bound = sum(loss_of(averaged, held_out) for _ in range(10)).item() / 10
            right = rows_right(draw(averaged, 400))
            print(f"step {step}: loss {loss.item():.4f} held-out bound {bound:.4f} rows right {right:.4f}")
    print(f"score: {right:.4f}")
