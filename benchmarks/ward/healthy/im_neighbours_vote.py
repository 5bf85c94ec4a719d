"""Digits by their neighbours: a linear map into twelve dimensions, where every image of a batch votes for the others.

Neighbourhood component analysis (Goldberger et al. 2004), in batches. Prediction is by the training images near by.
"""

import sys

import torch
from sklearn.datasets import load_digits
from torch import nn

DIMENSIONS, BATCH = 12, 200

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)

digits = load_digits()
x, y = torch.tensor(digits.data, dtype=torch.float32) / 16, torch.tensor(digits.target)
order = torch.randperm(len(x))
train, test = order[:1400], order[1400:]
x = (x - x[train].mean(dim=0)) / x[train].std()

projection = nn.Linear(64, DIMENSIONS, bias=False)
nn.init.orthogonal_(projection.weight)
optimizer = torch.optim.Adam(projection.parameters(), lr=3e-3)
for epoch in range(25):
    total = 0.0
    for rows in train[torch.randperm(len(train))].split(BATCH):
        z = projection(x[rows])
        distance = torch.cdist(z, z).pow(2).fill_diagonal_(float("inf"))
        log_vote = torch.log_softmax(-distance, dim=1)
        same = (y[rows][:, None] == y[rows]).fill_diagonal_(False)
        loss = -torch.logsumexp(log_vote.masked_fill(~same, float("-inf")), dim=1).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    if epoch % 5 == 4:
        print(f"epoch {epoch + 1}: loss {total / 7:.4f}")

with torch.no_grad():
    near = torch.softmax(-torch.cdist(projection(x[test]), projection(x[train])).pow(2), dim=1)
    votes = near @ nn.functional.one_hot(y[train], 10).float()
print(f"score: {(votes.argmax(dim=1) == y[test]).float().mean().item():.4f}")
