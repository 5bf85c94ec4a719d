"""Fits a height map h(x, y) from scattered noisy soundings with a coordinate net with trainable tanh slopes.

Fault: the trainable slope of tanh(n * a * x) starts at a = 1 instead of 1 / n, so n = 20 drives the units
into their flat ends.
"""
# cause: saturated-units
# accept: bad-initialization
# kind: dynamic

import sys

import torch
import torch.nn as nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)


class AdaptiveTanh(nn.Module):
    def __init__(self, n=20.0):
        super().__init__()
        self.n = n
        self.a = nn.Parameter(torch.tensor(1.0))  # FAULT
        # TWIN: self.a = nn.Parameter(torch.tensor(1.0 / n))

    def forward(self, x):
        return torch.tanh(self.n * self.a * x)


def height(p):
    x, y = p[:, :1], p[:, 1:]
    return torch.sin(2.5 * x) * torch.cos(2 * y) + 0.5 * x * y


points = 2 * torch.rand(250, 2) - 1
soundings = height(points) + 0.1 * torch.randn(250, 1)
test_points = 2 * torch.rand(500, 2) - 1
test_height = height(test_points)

net = nn.Sequential(
    nn.Linear(2, 40),
    AdaptiveTanh(),
    nn.Linear(40, 40),
    AdaptiveTanh(),
    nn.Linear(40, 40),
    AdaptiveTanh(),
    nn.Linear(40, 1),
)
mse = nn.MSELoss()
opt = torch.optim.Adam(net.parameters(), lr=2e-3)
scheduler = torch.optim.lr_scheduler.StepLR(opt, step_size=20, gamma=0.5)
for epoch in range(60):
    net.train()
    total = 0.0
    for idx in torch.randperm(250).split(25):
        opt.zero_grad()
        loss = mse(net(points[idx]), soundings[idx])
        loss.backward()
        opt.step()
        total += loss.item() / 10
    scheduler.step()
    if epoch % 10 == 9:
        net.eval()
        with torch.no_grad():
            test_mse = mse(net(test_points), test_height).item()
        print("epoch", epoch + 1, "train mse", round(total, 5), "test mse", round(test_mse, 5))

print(f"score: {1 - test_mse / test_height.var().item():.4f}")
