"""Three-arm spiral with a 24-layer plain ReLU stack at its default initialisation, where the gradient dies on its way
down (the "plain networks" of the ResNet paper, He et al. 2015, without their batch norm)."""
# cause: vanishing-gradient
# kind: dynamic

import math
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)


def spiral(n_per_arm):
    xs, ys = [], []
    for arm in range(3):
        r = torch.rand(n_per_arm).sqrt()
        t = 4.0 * r + arm * 2 * math.pi / 3
        pts = torch.stack([r * t.cos(), r * t.sin()], 1) * 2.0
        xs.append(pts + 0.05 * torch.randn_like(pts))
        ys.append(torch.full((n_per_arm,), arm))
    return torch.cat(xs), torch.cat(ys)


class DeepNet(nn.Module):
    def __init__(self, width=32, depth=24):
        super().__init__()
        self.stem = nn.Linear(2, width)
        self.layers = nn.ModuleList(nn.Linear(width, width) for _ in range(depth))
        self.out = nn.Linear(width, 3)

    def forward(self, x):
        h = F.relu(self.stem(x))
        for layer in self.layers:
            h = F.relu(layer(h))  # FAULT
            # TWIN: h = h + F.relu(layer(h)) / 5
        return self.out(h)


x_train, y_train = spiral(300)
x_test, y_test = spiral(150)
net = DeepNet()
optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)

for epoch in range(1, 31):
    net.train()
    order = torch.randperm(len(x_train))
    running = 0.0
    for idx in order.split(60):
        optimizer.zero_grad()
        loss = F.cross_entropy(net(x_train[idx]), y_train[idx])
        loss.backward()
        optimizer.step()
        running += loss.item() * len(idx)
    if epoch % 5 == 0:
        net.eval()
        with torch.no_grad():
            acc = (net(x_test).argmax(1) == y_test).float().mean().item()
        print(f"epoch {epoch:2d}: loss {running / len(x_train):.4f}, test accuracy {acc:.3f}")

print(f"score: {acc:.4f}")
