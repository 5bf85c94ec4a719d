"""Complaints sorted into four departments by which of 3000 words they use, as counts. Score: held-out accuracy."""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)

WORDS = 3000
zipf = 1 / (torch.arange(WORDS) + 5.0)
topics = torch.stack([zipf * torch.exp(1.5 * torch.randn(WORDS)) for _ in range(4)])


def letters(n):
    y = torch.randint(0, 4, (n,))
    words = torch.multinomial(topics[y], 20, replacement=True)
    return torch.zeros(n, WORDS).scatter_add_(1, words, torch.ones(n, 20)), y


x, y = letters(2500)
x_test, y_test = letters(600)
net = nn.Sequential(nn.Linear(WORDS, 32), nn.ReLU(), nn.Dropout(0.4), nn.Linear(32, 4))
optimizer = torch.optim.Adam(net.parameters(), lr=3e-4)
for epoch in range(6):
    net.train()
    for part in torch.randperm(len(x)).split(16):
        optimizer.zero_grad()
        F.cross_entropy(net(x[part]), y[part]).backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        score = (net(x_test).argmax(1) == y_test).float().mean().item()
    print(epoch, score)
print(f"score: {score:.4f}")
