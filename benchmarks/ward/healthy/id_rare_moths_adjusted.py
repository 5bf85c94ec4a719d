"""Moth species from wing measurements, long tailed: the commonest species has 100 times the records of the rarest.

Logits are adjusted by the log of the class frequencies in training, so the plain network answers for a balanced test.
"""

import sys

import torch
import torch.nn.functional as F
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)

SPECIES, TRAITS = 8, 12
COUNTS = [int(1500 * 100 ** (-k / (SPECIES - 1))) for k in range(SPECIES)]
centres = 1.25 * torch.randn(SPECIES, TRAITS)


def collect(counts):
    label = torch.cat([torch.full((n,), k) for k, n in enumerate(counts)])
    return centres[label] + torch.randn(len(label), TRAITS), label


x, y = collect(COUNTS)
test_x, test_y = collect([150] * SPECIES)
mean, std = x.mean(0), x.std(0)
x, test_x = (x - mean) / std, (test_x - mean) / std
log_prior = torch.log(torch.bincount(y).float() / len(y))

net = nn.Sequential(nn.Linear(TRAITS, 48), nn.ReLU(), nn.Dropout(0.2), nn.Linear(48, SPECIES))
optimizer = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=0.02)
for epoch in range(15):
    net.train()
    total = 0.0
    for rows in torch.randperm(len(x)).split(64):
        loss = F.cross_entropy(net(x[rows]) + log_prior, y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(rows)
    net.eval()
    with torch.no_grad():
        guess = net(test_x).argmax(1)
    recalls = [(guess[test_y == k] == k).float().mean().item() for k in range(SPECIES)]
    print(
        f"epoch {epoch + 1:2d}  loss {total / len(x):.4f}  mean {sum(recalls) / SPECIES:.3f}  worst {min(recalls):.2f}"
    )
print(f"score: {sum(recalls) / SPECIES:.4f}")
