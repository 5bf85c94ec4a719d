"""A siamese embedding of digits with the contrastive loss; now and then a random pair holds the same image twice.

The distance of such a pair is sqrt(0), whose gradient is NaN.
"""
# cause: unstable-loss
# kind: dynamic

import argparse

import torch
from sklearn.datasets import load_digits
from torch import nn

parser = argparse.ArgumentParser(description="siamese digits")
parser.add_argument("seed", nargs="?", type=int, default=0)
parser.add_argument("--steps", type=int, default=600)
parser.add_argument("--margin", type=float, default=1.0)
opts = parser.parse_args()
torch.set_num_threads(1)
torch.manual_seed(opts.seed)

data = load_digits()
x = torch.tensor(data.data / 16.0, dtype=torch.float32)
y = torch.tensor(data.target)
order = torch.randperm(len(x))
train_x, train_y = x[order[:1300]], y[order[:1300]]
test_x, test_y = x[order[1300:]], y[order[1300:]]
by_class = [torch.nonzero(train_y == c).flatten() for c in range(10)]

embed = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 16))
optimizer = torch.optim.Adam(embed.parameters(), lr=1e-3)


def distance(a, b):
    return torch.sqrt((a - b).pow(2).sum(1))  # FAULT
    # TWIN: return torch.sqrt((a - b).pow(2).sum(1) + 1e-6)


def sample_pairs(n):
    left = torch.randint(len(train_x), (n,))
    right = torch.randint(len(train_x), (n,))
    for k in range(0, n, 2):  # every second pair comes from one class
        members = by_class[train_y[left[k]]]
        right[k] = members[torch.randint(len(members), (1,))]
    return left, right, (train_y[left] == train_y[right]).float()


for step in range(1, opts.steps + 1):
    left, right, same = sample_pairs(32)
    d = distance(embed(train_x[left]), embed(train_x[right]))
    loss = (same * d.pow(2) + (1 - same) * (opts.margin - d).clamp(min=0).pow(2)).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 100 == 0:
        print(f"step {step} contrastive loss {loss.item():.4f}")

with torch.no_grad():
    reference = embed(train_x)
    centres = torch.stack([reference[rows].mean(0) for rows in by_class])
    accuracy = (torch.cdist(embed(test_x), centres).argmin(1) == test_y).float().mean().item()
print(f"score: {accuracy:.4f}")
