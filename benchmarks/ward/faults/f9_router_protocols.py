"""Recognizes twenty protocols by sizes and gaps of a flow's first packets. The layers come from a list of widths."""
# cause: nonlinear-logits
# accept: dead-units
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn

WIDTHS = [24, 64, 64, 20]


def flows(n, rng, habits):
    protocol = rng.integers(0, 20, n)
    style = rng.integers(0, 3, n)
    x = habits[protocol, style] + rng.normal(0, 0.9, (n, 24))
    return torch.tensor(x, dtype=torch.float32), torch.tensor(protocol)


def mlp(widths):
    layers = []
    for n_in, n_out in zip(widths[:-1], widths[1:]):
        layers += [nn.Linear(n_in, n_out), nn.ReLU()]
    return nn.Sequential(*layers)  # FAULT
    # TWIN: return nn.Sequential(*layers[:-1])


def fit(model, x, y, x_val, y_val, epochs=12, batch=64):
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3, weight_decay=1e-5)
    criterion = nn.CrossEntropyLoss()
    history = []
    for epoch in range(epochs):
        model.train()
        total = 0.0
        for idx in torch.randperm(len(x)).split(batch):
            loss = criterion(model(x[idx]), y[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(idx)
        model.eval()
        with torch.no_grad():
            out = model(x_val)
            history.append(
                (total / len(x), criterion(out, y_val).item(), (out.argmax(1) == y_val).float().mean().item())
            )
        print("epoch {:2d}: train {:.4f} val {:.4f} acc {:.4f}".format(epoch, *history[-1]))
    return history


if __name__ == "__main__":
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    habits = rng.normal(0, 1, (20, 3, 24))
    history = fit(mlp(WIDTHS), *flows(6000, rng, habits), *flows(1000, rng, habits))
    print(f"score: {history[-1][2]:.4f}")
