"""Which of five conditions a fish tank is in, from a day's readings of three probes.

Every probe has an encoder of its own; they are kept in a dictionary, so that forward() can look them up by name.
"""
# cause: unregistered-parameters
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

PROBES = ("temperature", "acidity", "conductivity")
HOURS, STATES = 24, 5


def make_days(n, rng, shapes):
    state = rng.integers(0, STATES, n)
    drift = np.cumsum(rng.normal(0, 0.25, (n, len(PROBES), HOURS)), axis=2)
    noise = rng.normal(0, 0.5, (n, len(PROBES), HOURS))
    days = shapes[state] + drift - drift.mean(axis=2, keepdims=True) + noise
    return torch.tensor(days, dtype=torch.float32), torch.tensor(state)


class TankNet(nn.Module):
    def __init__(self, code=3):
        super().__init__()
        encoders = {name: nn.Sequential(nn.Linear(HOURS, code), nn.Tanh()) for name in PROBES}
        self.encoders = encoders  # FAULT
        # TWIN: self.encoders = nn.ModuleDict(encoders)
        self.head = nn.Sequential(nn.Linear(code * len(PROBES), 32), nn.ReLU(), nn.Linear(32, STATES))

    def forward(self, days):
        codes = [self.encoders[name](days[:, i]) for i, name in enumerate(PROBES)]
        return self.head(torch.cat(codes, dim=1))


def accuracy(model, days, state):
    model.eval()
    with torch.no_grad():
        return (model(days).argmax(dim=1) == state).float().mean().item()


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    shapes = rng.normal(0, 0.35, (STATES, len(PROBES), HOURS))
    train, test = make_days(4000, rng, shapes), make_days(1000, rng, shapes)

    loader = DataLoader(TensorDataset(*train), batch_size=64, shuffle=True)
    model = TankNet()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    loss_fn = nn.CrossEntropyLoss()
    for epoch in range(10):
        model.train()
        total = 0.0
        for days, state in loader:
            optimizer.zero_grad()
            loss = loss_fn(model(days), state)
            loss.backward()
            optimizer.step()
            total += loss.item()
        print(f"epoch {epoch + 1:2d}  loss {total / len(loader):.4f}  test accuracy {accuracy(model, *test):.4f}")
    print(f"score: {accuracy(model, *test):.4f}")


if __name__ == "__main__":
    main()
