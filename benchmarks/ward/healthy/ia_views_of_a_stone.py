"""Learns features of stones without labels: two noisy views of a stone should be near each other and far from those of
other stones. A linear probe on the frozen features tells whether it worked."""

import sys

import torch
import torch.nn.functional as F
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)

kinds = torch.randn(6, 8)
mixing = torch.randn(8, 32) / 8**0.5


def stones(n):
    y = torch.randint(6, (n,))
    return (kinds[y] + 0.5 * torch.randn(n, 8)) @ mixing, y


def view(x):
    return x * (torch.rand_like(x) > 0.2) + 0.4 * torch.randn_like(x)


encoder = nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 32))
projector = nn.Sequential(nn.ReLU(), nn.Linear(32, 16))
optimizer = torch.optim.Adam([*encoder.parameters(), *projector.parameters()], lr=2e-3)
x, y = stones(2000)
for epoch in range(12):
    losses = []
    for rows in torch.randperm(len(x)).split(100):
        a, b = (F.normalize(projector(encoder(view(x[rows]))), dim=1) for _ in range(2))
        similar = a @ b.T / 0.3
        target = torch.arange(len(rows))
        loss = (F.cross_entropy(similar, target) + F.cross_entropy(similar.T, target)) / 2
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    print(f"epoch {epoch} contrastive loss {sum(losses) / len(losses):.4f}")

encoder.eval().requires_grad_(False)
probe = nn.Linear(32, 6)
optimizer = torch.optim.Adam(probe.parameters(), lr=1e-2)
mean, std = encoder(x).mean(0), encoder(x).std(0)
for epoch in range(10):
    for rows in torch.randperm(len(x)).split(100):
        loss = F.cross_entropy(probe((encoder(x[rows]) - mean) / std), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"probe epoch {epoch} loss {loss.item():.4f}")
x_test, y_test = stones(500)
with torch.no_grad():
    right = (probe((encoder(x_test) - mean) / std).argmax(1) == y_test).float().mean().item()
print(f"score: {right:.4f}")
