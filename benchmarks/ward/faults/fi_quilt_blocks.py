"""Which pattern a quilt block is cut to, from 16 x 16 scans.

A plain stack of convolutions in the manner of the first ImageNet papers, weights included.
"""
# cause: bad-initialization
# kind: dynamic

import sys
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


@dataclass
class Config:
    seed: int = 0
    width: int = 16
    depth: int = 6
    batch: int = 50
    epochs: int = 10
    lr: float = 0.005
    momentum: float = 0.9


def blocks(n, rng):
    """Stripes, checks, diamonds or a pinwheel, in two cloths, over an uneven light."""
    kind = rng.integers(4, size=n)
    y, x = np.mgrid[0:16, 0:16] - 7.5
    pictures = np.empty((n, 1, 16, 16), dtype=np.float32)
    for i, k in enumerate(kind):
        period, phase = rng.uniform(4, 7), rng.uniform(0, 2 * np.pi, 2)
        u, v = 2 * np.pi * x / period + phase[0], 2 * np.pi * y / period + phase[1]
        if k == 0:
            cloth = np.sin(u if rng.random() < 0.5 else v)
        elif k == 1:
            cloth = np.sin(u) * np.sin(v)
        elif k == 2:
            cloth = np.sin(np.abs(x) + np.abs(y) + phase[0])
        else:
            cloth = np.sin(4 * np.arctan2(y, x) + phase[0])
        light = rng.uniform(-0.3, 0.3) * x / 8
        pictures[i, 0] = rng.choice([-1, 1]) * cloth + light + rng.normal(0, 0.5, (16, 16))
    return torch.from_numpy(pictures / 0.85), torch.from_numpy(kind)


class QuiltNet(nn.Module):
    def __init__(self, config):
        super().__init__()
        channels = [1] + [config.width] * config.depth
        self.convs = nn.ModuleList(nn.Conv2d(a, b, 3, padding=1) for a, b in zip(channels, channels[1:], strict=False))
        self.fc = nn.Linear(config.width * 16, 4)
        for module in self.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                nn.init.normal_(module.weight, std=0.01)  # FAULT
                # TWIN: nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                nn.init.zeros_(module.bias)

    def forward(self, x):
        for i, conv in enumerate(self.convs):
            x = F.relu(conv(x))
            if i in (1, 3):
                x = F.max_pool2d(x, 2)
        return self.fc(x.flatten(1))


def evaluate(net, x, y):
    net.eval()
    with torch.no_grad():
        logits = net(x)
    return F.cross_entropy(logits, y).item(), (logits.argmax(1) == y).float().mean().item()


config = Config(seed=int(sys.argv[1]) if len(sys.argv) > 1 else 0)
torch.set_num_threads(1)
torch.manual_seed(config.seed)
rng = np.random.default_rng(config.seed)
x_train, y_train = blocks(1600, rng)
x_val, y_val = blocks(400, rng)

net = QuiltNet(config)
optimizer = torch.optim.SGD(net.parameters(), lr=config.lr, momentum=config.momentum, weight_decay=1e-4)
for epoch in range(config.epochs):
    net.train()
    order = torch.randperm(len(x_train))
    for rows in order.split(config.batch):
        loss = F.cross_entropy(net(x_train[rows]), y_train[rows])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
    val_loss, val_accuracy = evaluate(net, x_val, y_val)
    print(f"epoch {epoch:2d}: last batch {loss.item():.4f}, validation {val_loss:.4f} / {val_accuracy:.3f}")
print(f"score: {val_accuracy:.4f}")
