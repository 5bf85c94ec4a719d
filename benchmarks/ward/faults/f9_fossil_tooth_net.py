"""Diet of an extinct mammal from twenty landmarks on a tooth. The initialization is written out, standard normal, as in
the statistics course."""
# cause: bad-initialization
# accept: saturated-units exploding-gradient
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn


def teeth(n, rng, shapes):
    diet = rng.integers(0, 5, n)
    spread = rng.normal(size=(n, 3))
    x = shapes[diet, 0] + np.einsum("nk,nkd->nd", spread, shapes[diet, 1:]) * 0.5 + 0.5 * rng.normal(size=(n, 40))
    return torch.tensor(x, dtype=torch.float32), torch.tensor(diet)


def initialize(model):
    for name, p in model.named_parameters():
        if name.endswith("weight"):
            nn.init.normal_(p)  # FAULT
            # TWIN: nn.init.kaiming_normal_(p, nonlinearity="relu")
        else:
            nn.init.zeros_(p)


class ToothNet(nn.Module):
    def __init__(self, width=96, depth=6):
        super().__init__()
        dims = [40] + [width] * depth
        self.hidden = nn.ModuleList(nn.Linear(a, b) for a, b in zip(dims, dims[1:]))
        self.diet = nn.Linear(width, 5)
        initialize(self)

    def forward(self, x):
        for layer in self.hidden:
            x = layer(x).relu()
        return self.diet(x)


if __name__ == "__main__":
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    shapes = 0.45 * rng.normal(size=(5, 4, 40))
    x, y = teeth(3000, rng, shapes)
    x_val, y_val = teeth(600, rng, shapes)
    net = ToothNet()
    optimizer = torch.optim.Adam(net.parameters(), lr=5e-4)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(9):
        losses = []
        for idx in torch.randperm(len(x)).split(60):
            loss = criterion(net(x[idx]), y[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        with torch.no_grad():
            acc = (net(x_val).argmax(1) == y_val).float().mean().item()
        print(f"epoch {epoch} loss {np.mean(losses):.4f} acc {acc:.4f}")
    print(f"score: {acc:.4f}")
