"""Stars, one to five, that people give much as they please. Score: held-out accuracy, of 0.47 that can be had."""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)


def reviews(n):
    x = torch.randn(n, 10)
    like = x[:, 0] - 0.7 * x[:, 1] + 0.5 * x[:, 2] + 0.9 * torch.randn(n)
    return x, torch.bucketize(like, torch.tensor([-1.8, -0.6, 0.6, 1.8]))


x, y = reviews(8000)
x_test, y_test = reviews(3000)
net = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 5))
optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 15 * 125)
for epoch in range(15):
    for part in torch.randperm(len(x)).split(64):
        optimizer.zero_grad()
        F.cross_entropy(net(x[part]), y[part]).backward()
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        score = (net(x_test).argmax(1) == y_test).float().mean().item()
    print(epoch, score)
print(f"score: {score:.4f}")
