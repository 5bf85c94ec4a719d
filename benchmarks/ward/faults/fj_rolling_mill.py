"""Thickness of rolled steel from mill readings, by a network in which every layer sees all earlier ones.

Each layer takes in the outputs of all the layers before it, put together, so that short and long paths coexist.
"""
# cause: exploding-gradient
# accept: bad-initialization
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

CONFIG = {"depth": 20, "width": 48, "lr": 0.02, "momentum": 0.9, "epochs": 15, "batch": 64}


class AllPastNet(nn.Module):
    def __init__(self, n_in, width, depth):
        super().__init__()
        self.enter = nn.Linear(n_in, width)
        self.layers = nn.ModuleList(nn.Linear(width, width) for _ in range(depth))
        self.leave = nn.Linear(width, 1)
        for layer in self.layers:
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)

    def forward(self, x):
        past = [torch.relu(self.enter(x))]
        for layer in self.layers:
            together = torch.stack(past).sum(0)  # FAULT
            # TWIN: together = torch.stack(past).mean(0)
            past.append(torch.relu(layer(together)))
        return self.leave(past[-1]).squeeze(1)


def readings(n, rng):
    x = rng.normal(size=(n, 8))
    y = np.sin(1.5 * x[:, 0]) + 0.6 * x[:, 1] * x[:, 2] + np.abs(x[:, 3]) - 0.5 * x[:, 4]
    y = (y - 0.8) / 1.2 + 0.05 * rng.normal(size=n)
    return TensorDataset(torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32))


def r2(model, dataset):
    x, y = dataset.tensors
    with torch.no_grad():
        left = (model(x) - y).square().mean()
    return (1 - left / y.var()).item()


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    train, test = readings(6000, rng), readings(1000, rng)
    loader = DataLoader(train, CONFIG["batch"], shuffle=True)
    model = AllPastNet(8, CONFIG["width"], CONFIG["depth"])
    optimizer = torch.optim.SGD(model.parameters(), lr=CONFIG["lr"], momentum=CONFIG["momentum"])
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, CONFIG["epochs"])
    loss_fn = nn.MSELoss()
    for epoch in range(CONFIG["epochs"]):
        running = 0.0
        for x, y in loader:
            loss = loss_fn(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            running += loss.item()
        scheduler.step()
        print(f"epoch {epoch + 1}: mse {running / len(loader):.5g}, test R2 {r2(model, test):.5g}")
    score = r2(model, test)
    print(f"score: {score if np.isfinite(score) else -1.0:.4f}")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
