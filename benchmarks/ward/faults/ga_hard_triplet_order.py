"""Knows cows by their muzzle prints: triplets with the hardest negative of the batch, and cows in the test that were
not in the training. The loss stays near the margin for a while, as is usual with hard triplets."""
# cause: loss-sign
# kind: dynamic

import sys

import torch
import torch.nn.functional as F
from torch import nn

PRINT, EACH, COWS = 24, 4, 10


def prints(cows, which, n, factors):
    """n prints of each of the chosen cows."""
    own = cows[which].repeat_interleave(n, 0)
    light = torch.randn(len(own), 6) @ factors
    return (own + 0.4 * torch.randn_like(own) + light) / 3, which.repeat_interleave(n)


def hard_triplets(z, label, margin=0.3):
    d = torch.cdist(z, z)
    same = label[:, None] == label[None, :]
    farthest = d.masked_fill(~same, 0).max(1).values
    nearest = d.masked_fill(same, 10).min(1).values
    return F.softplus((nearest - farthest + margin) * 5).mean() / 5  # FAULT
    # TWIN: return F.softplus((farthest - nearest + margin) * 5).mean() / 5


def recall(net, cows, which, factors):
    with torch.no_grad():
        x, label = prints(cows, which, EACH, factors)
        z = F.normalize(net(x), dim=1)
        d = torch.cdist(z, z).fill_diagonal_(10)
    return (label[d.argmin(1)] == label).float().mean().item()


def main():
    torch.set_num_threads(1)
    torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    cows = torch.randn(140, PRINT)
    factors = 1.2 * torch.randn(6, PRINT)
    net = nn.Sequential(nn.Linear(PRINT, 64), nn.ReLU(), nn.Linear(64, 32))
    print(f"before training: recall {recall(net, cows, torch.arange(100, 140), factors):.4f}")
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    for step in range(700):
        x, label = prints(cows, torch.randperm(100)[:COWS], EACH, factors)
        loss = hard_triplets(F.normalize(net(x), dim=1), label)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 100 == 99:
            found = recall(net, cows, torch.arange(100, 140), factors)
            print(f"step {step + 1} loss {loss.item():.4f} recall {found:.4f}")
    print(f"score: {found:.4f}")


main()
