"""Colour of a glaze from kiln readings; the activation is looked up in a registry by a dataclass's field."""
# cause: missing-nonlinearity
# accept: underfitting
# kind: dynamic

import sys
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

REGISTRY = {"none": lambda x: x, "relu": F.relu, "gelu": F.gelu, "tanh": torch.tanh}


@dataclass(frozen=True)
class KilnConfig:
    features: int = 4
    width: int = 48
    depth: int = 3
    act: str = "none"  # FAULT
    # TWIN: act: str = "relu"
    lr: float = 3e-3
    epochs: int = 12


class KilnNet(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        sizes = [cfg.features] + [cfg.width] * cfg.depth
        self.hidden = nn.ModuleList(nn.Linear(a, b) for a, b in zip(sizes, sizes[1:]))
        self.out = nn.Linear(cfg.width, 3)
        self.act = REGISTRY[cfg.act]

    def forward(self, x):
        for layer in self.hidden:
            x = self.act(layer(x))
        return self.out(x)


def readings(n):
    x = torch.randn(n, 4)
    ring = (x[:, 0] ** 2 + x[:, 1] ** 2 > 1.6).long()
    return x, ring + (x[:, 2] * x[:, 3] > 0).long()


def accuracy(net, data):
    with torch.no_grad():
        return (net(data[0]).argmax(-1) == data[1]).float().mean().item()


seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
torch.set_num_threads(1)
cfg = KilnConfig()
train, test = readings(2500), readings(500)
net = KilnNet(cfg)
optimizer = torch.optim.Adam(net.parameters(), lr=cfg.lr)
for epoch in range(cfg.epochs):
    for rows in torch.randperm(2500).split(50):
        optimizer.zero_grad()
        loss = F.cross_entropy(net(train[0][rows]), train[1][rows])
        loss.backward()
        optimizer.step()
    print(epoch, loss.item(), accuracy(net, test))
print(f"score: {accuracy(net, test):.4f}")
