"""Costs of claims with fat tails, by squared error. Score: held-out correlation of ranks."""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from scipy.stats import spearmanr

torch.set_num_threads(1)
torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)


def claims(n):
    x = torch.randn(n, 6)
    noise = torch.distributions.StudentT(2.3).sample((n,))
    return x, (0.8 * x[:, 0] + 0.6 * x[:, 1] * (x[:, 2] > 0) + 0.5 * noise)[:, None]


x, y = claims(6000)
x_test, y_test = claims(1000)
net = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
for epoch in range(10):
    for part in torch.randperm(len(x)).split(32):
        loss = F.mse_loss(net(x[part]), y[part])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        score = spearmanr(net(x_test)[:, 0].numpy(), y_test[:, 0].numpy()).statistic
    print(epoch, loss.item(), score)
print(f"score: {score:.4f}")
