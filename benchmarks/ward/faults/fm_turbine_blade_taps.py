"""Damage to a turbine blade (five places or none) from the spectrum of a tap on it; a deep net of normalised layers.

The net is scored once before training, to see where it starts from.
"""
# cause: training-in-eval-mode
# kind: dynamic

import sys

import torch
from torch import nn

BINS, PLACES = 40, 6
CONFIG = {"width": 48, "layers": 20, "epochs": 12, "batch": 50, "rate": 2e-3}


def taps(n, modes):
    """Resonances that damage moves, struck harder or softer."""
    place = torch.randint(0, PLACES, (n,))
    centre = modes[place] + 1.0 * torch.randn(n, modes.shape[1])
    bins = torch.arange(BINS).float()
    strike = 0.7 + 0.6 * torch.rand(n, 1)
    spectrum = torch.exp(-(((bins - centre.unsqueeze(2)) / 2.0) ** 2)).sum(dim=1) * strike
    return (spectrum + 0.25 * torch.randn(n, BINS) - 0.35) / 0.45, place


def block(n_in, n_out):
    return nn.Sequential(nn.Linear(n_in, n_out, bias=False), nn.BatchNorm1d(n_out), nn.ReLU())


def build(width, layers):
    inner = [block(width, width) for _ in range(layers - 1)]
    return nn.Sequential(block(BINS, width), *inner, nn.Linear(width, PLACES))


def score(net, x, y):
    net.eval()
    with torch.no_grad():
        return (net(x).argmax(dim=1) == y).float().mean().item()


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    modes = torch.rand(PLACES, 4) * 34 + 3
    x_train, y_train = taps(2000, modes)
    x_val, y_val = taps(600, modes)

    net = build(CONFIG["width"], CONFIG["layers"])
    print(f"before training: {score(net, x_val, y_val):.4f}")
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.AdamW(net.parameters(), lr=CONFIG["rate"])
    steps = CONFIG["epochs"] * (len(x_train) // CONFIG["batch"])
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, CONFIG["rate"], total_steps=steps)
    for epoch in range(CONFIG["epochs"]):
        # TWIN: net.train()
        total = 0.0
        for rows in torch.randperm(len(x_train)).split(CONFIG["batch"]):
            loss = criterion(net(x_train[rows]), y_train[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item() * len(rows)
        accuracy = score(net, x_val, y_val)
        print(f"epoch {epoch + 1}: loss {total / len(x_train):.4f} validation accuracy {accuracy:.4f}")
    print(f"score: {accuracy:.4f}")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
