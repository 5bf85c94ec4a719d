"""Gemstones by their Raman spectra: twenty-six kinds, sixty channels, a plain network of blocks."""
# cause: nonlinear-logits
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn

CONFIG = {"kinds": 26, "channels": 60, "widths": [48, 48], "lr": 0.05, "epochs": 8, "batch": 32}


def block(n_in, n_out):
    return nn.Sequential(nn.Linear(n_in, n_out), nn.ReLU())


def network(cfg):
    sizes = [cfg["channels"], *cfg["widths"]]
    layers = [block(a, b) for a, b in zip(sizes, sizes[1:])]
    layers.append(block(sizes[-1], cfg["kinds"]))  # FAULT
    # TWIN: layers.append(nn.Linear(sizes[-1], cfg["kinds"]))
    return nn.Sequential(*layers)


class Spectra:
    def __init__(self, cfg, seed):
        self.rng = np.random.default_rng(seed)
        lines = self.rng.uniform(3, cfg["channels"] - 3, (cfg["kinds"], 4))
        heights = self.rng.uniform(0.5, 1.5, (cfg["kinds"], 4, 1))
        at = np.arange(cfg["channels"])
        self.pure = (heights * np.exp(-0.5 * ((at - lines[..., None]) / 1.8) ** 2)).sum(1)

    def measure(self, n):
        kind = self.rng.integers(0, len(self.pure), n)
        light = self.rng.uniform(0.6, 1.4, (n, 1))
        y = light * self.pure[kind] + 0.3 * self.rng.normal(size=(n, self.pure.shape[1]))
        return torch.tensor((y - 0.2) / 0.5, dtype=torch.float32), torch.tensor(kind)


def main(seed, cfg):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    spectra = Spectra(cfg, seed)
    x, y = spectra.measure(3200)
    test_x, test_y = spectra.measure(1000)
    net = network(cfg)
    optimizer = torch.optim.SGD(net.parameters(), lr=cfg["lr"], momentum=0.9, weight_decay=1e-3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, cfg["epochs"])
    criterion = nn.CrossEntropyLoss()
    for epoch in range(1, cfg["epochs"] + 1):
        losses = []
        for rows in torch.randperm(len(x)).split(cfg["batch"]):
            loss = criterion(net(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        scheduler.step()
        with torch.no_grad():
            named = net(test_x).argmax(1)
        accuracy = (named == test_y).float().mean().item()
        print(f"epoch {epoch:2d}: loss {np.mean(losses):.4f}, accuracy {accuracy:.4f}")
    print(f"score: {accuracy:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0, CONFIG)
