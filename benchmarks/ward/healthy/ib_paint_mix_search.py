"""Predicts the hue of mixed paints. Step size, width and decay are searched at random with short runs on a part of the
data; the best setting is fitted on all of it. Some of the short runs go badly, as they may."""

import random
import sys

import torch
from torch import nn


def mixes(n):
    share = torch.distributions.Dirichlet(torch.full((5,), 0.8)).sample((n,))
    absorb = torch.tensor([[0.1, 2, 3], [2, 0.3, 2.5], [3, 2, 0.2], [0.1, 0.1, 0.1], [4, 4, 4.0]])
    light = torch.exp(-(share @ absorb) * 0.8)
    return (share - 0.2) / 0.22, (light - 0.4) / 0.22 + 0.05 * torch.randn(n, 3)


def fit(setting, x, y, epochs):
    model = nn.Sequential(
        nn.Linear(5, setting["width"]), nn.ReLU(), nn.Linear(setting["width"], setting["width"]), nn.ReLU(),
        nn.Linear(setting["width"], 3),
    )  # fmt: skip
    optimizer = torch.optim.AdamW(model.parameters(), lr=setting["lr"], weight_decay=setting["decay"])
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, setting["lr"], total_steps=epochs * -(-len(x) // 50))
    for _ in range(epochs):
        for idx in torch.randperm(len(x)).split(50):
            loss = nn.functional.mse_loss(model(x[idx]), y[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
    return model


def error(model, x, y):
    with torch.no_grad():
        return nn.functional.mse_loss(model(x), y).item()


if __name__ == "__main__":
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    random.seed(seed)
    x, y = mixes(2000)
    val, test = mixes(400), mixes(500)
    tried = []
    for trial in range(5):
        setting = {
            "lr": 10 ** random.uniform(-3, -1.7),
            "width": random.choice([16, 32, 64]),
            "decay": 10 ** random.uniform(-4, -2),
        }
        tried.append((error(fit(setting, x[:800], y[:800], epochs=8), *val), setting))
        print(f"trial {trial} {setting} val {tried[-1][0]:.4f}")
    best = min(tried, key=lambda t: t[0])[1]
    model = fit(best, x, y, epochs=14)
    print(f"score: {1 - error(model, *test) / test[1].var().item():.4f}")
