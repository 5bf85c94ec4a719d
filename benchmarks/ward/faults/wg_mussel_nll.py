"""Which bay a mussel is from, by its shell: an nll loss handed to fit() through a dict of callables."""
# cause: missing-log
# kind: structural

import sys

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


def nll(out, target, weight=None):
    return F.nll_loss(out, target, weight=weight)


def brier(out, target):
    return ((out.exp() - F.one_hot(target, out.shape[1])) ** 2).sum(1).mean()


config = {"loss": "nll", "width": 48, "lr": 1e-3, "steps": 700, "losses": {"nll": nll, "brier": brier}}


class Shell(nn.Module):
    def __init__(self, n_in, n_classes, width):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(n_in, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh())
        self.head = nn.Linear(width, n_classes)
        self.normalize = F.softmax  # FAULT
        # TWIN: self.normalize = F.log_softmax

    def forward(self, x):
        return self.normalize(self.head(self.trunk(x)), dim=-1)


def shells(n, rng):
    bay = rng.integers(0, 6, n)
    angle = bay * np.pi / 3
    x = np.stack([np.cos(angle), np.sin(angle), np.cos(2 * angle), rng.normal(size=n)], 1)
    x = x + rng.normal(scale=0.55, size=x.shape)
    return torch.tensor(x, dtype=torch.float32), torch.tensor(bay)


def forever(x, y, size, generator):
    while True:
        rows = torch.randint(len(x), (size,), generator=generator)
        yield x[rows], y[rows]


def fit(model, stream, objective, optimizer, steps):
    for step, (x, y) in zip(range(steps), stream):
        loss = objective(model(x), y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        if step % 150 == 0:
            print(f"{step:4d} {loss.item():.4f}")


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    x, y = shells(1500, rng)
    x_test, y_test = shells(800, rng)
    model = Shell(4, 6, config["width"])
    optimizer = torch.optim.Adam(model.parameters(), lr=config["lr"])
    stream = forever(x, y, 64, torch.Generator().manual_seed(seed))
    fit(model, stream, config["losses"][config["loss"]], optimizer, config["steps"])
    with torch.no_grad():
        hit = (model(x_test).argmax(dim=1) == y_test).float().mean().item()
    print(f"score: {hit:.4f}")


if __name__ == "__main__":
    main()
