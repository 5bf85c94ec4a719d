"""A deep narrow network for the sign of a braided boundary; noise is added to every gradient, less and less of it.

(Neelakantan et al., 2015: the variance falls as (1 + t) ** -0.55.)
"""

import sys

import torch
from torch import nn

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)


def braid(n):
    x = torch.rand(n, 2) * 4 - 2
    label = (x[:, 1] - torch.sin(2.5 * x[:, 0])) * (x[:, 1] + 0.8 * torch.sin(2 * x[:, 0] + 0.5)) > 0
    return x, label.float()


class Deep(nn.Module):
    def __init__(self, depth=8, width=24):
        super().__init__()
        sizes = [2] + [width] * depth
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in zip(sizes, sizes[1:], strict=False))
        for layer in self.layers:
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)
        self.out = nn.Linear(width, 1)

    def forward(self, x):
        for layer in self.layers:
            x = torch.relu(layer(x))
        return self.out(x).squeeze(1)


x, y = braid(5000)
x_test, y_test = braid(1000)
net = Deep()
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
epochs, batch = 40, 100
schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
t = 0
for epoch in range(epochs):
    total = 0.0
    for rows in torch.randperm(len(x)).split(batch):
        loss = nn.functional.binary_cross_entropy_with_logits(net(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        deviation = (1e-4 / (1 + t) ** 0.55) ** 0.5
        for p in net.parameters():
            p.grad.add_(torch.randn_like(p.grad), alpha=deviation)
        optimizer.step()
        total += loss.item() * len(rows) / len(x)
        t += 1
    schedule.step()
    if epoch % 8 == 7:
        with torch.no_grad():
            accuracy = ((net(x_test) > 0) == (y_test > 0.5)).float().mean().item()
        print(f"epoch {epoch + 1}: loss {total:.4f}, test accuracy {accuracy:.4f}, noise {deviation:.5f}")
print(f"score: {accuracy:.4f}")
