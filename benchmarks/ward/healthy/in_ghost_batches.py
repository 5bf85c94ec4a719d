"""Batches of 480 from sensors in wells, normalised in ghosts of 48 as small batches would be (Hoffer et al., 2017)."""

import sys

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


class GhostBatchNorm(nn.BatchNorm1d):
    """Every slice of the batch is normalised by itself; the running statistics see all of them."""

    def __init__(self, features, ghost=48):
        super().__init__(features, momentum=0.02)
        self.ghost = ghost

    def forward(self, x):
        if not self.training:
            return super().forward(x)
        return torch.cat([super(GhostBatchNorm, self).forward(part) for part in x.split(self.ghost)])


def wells(n, rng):
    prototypes = np.random.default_rng(3).normal(size=(5, 3, 20))
    state = rng.integers(5, size=n)
    mode = rng.integers(3, size=n)
    return (prototypes[state, mode] * 0.6 + rng.normal(size=(n, 20))).astype(np.float32), state


def main(seed=0):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    x, y = (torch.from_numpy(a) for a in wells(9600, rng))
    x_test, y_test = (torch.from_numpy(a) for a in wells(2000, rng))
    net = nn.Sequential(
        nn.Linear(20, 64, bias=False),
        GhostBatchNorm(64),
        nn.ReLU(),
        nn.Linear(64, 64, bias=False),
        GhostBatchNorm(64),
        nn.ReLU(),
        nn.Linear(64, 5),
    )
    optimizer = torch.optim.SGD(net.parameters(), lr=0.2, momentum=0.9, weight_decay=1e-3)
    epochs = 25
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.2, total_steps=epochs * 20)
    for epoch in range(epochs):
        net.train()
        total = 0.0
        for rows in torch.randperm(len(x)).split(480):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x[rows]), y[rows])
            loss.backward()
            optimizer.step()
            scheduler.step()
            total += loss.item() / 20
        net.eval()
        with torch.no_grad():
            logits = net(x_test)
            accuracy = (logits.argmax(1) == y_test).float().mean().item()
        print(
            f"{epoch + 1:2d} train {total:.4f} val {F.cross_entropy(logits, y_test).item():.4f} accuracy {accuracy:.4f}"
        )
    print(f"score: {accuracy:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
