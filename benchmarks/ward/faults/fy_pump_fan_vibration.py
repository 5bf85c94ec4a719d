"""Condition monitoring from vibration snippets. A 1-D CNN is trained on pump data, then a second output for the
cooling fans is added on top of the same, unchanged trunk, so that one network on the edge device serves both machines.
"""
# cause: batch-norm-drift
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

LENGTH = 128


def make_signals(machine, n, rng):
    t = np.arange(LENGTH) / LENGTH
    n_classes = 4 if machine == "pump" else 3
    y = rng.integers(0, n_classes, n)
    base = 6.0 if machine == "pump" else 9.0
    level, offset = (1.0, 0.0) if machine == "pump" else (2.2, 0.9)
    x = np.zeros((n, LENGTH))
    for i, c in enumerate(y):
        phase = rng.uniform(0, 2 * np.pi)
        f = base * rng.normal(1, 0.04)
        s = np.sin(2 * np.pi * f * t + phase)
        if c == 1:  # imbalance: strong second harmonic
            s = s + 0.8 * np.sin(4 * np.pi * f * t + 2 * phase)
        elif c == 2:  # bearing: periodic clicks
            clicks = (np.arange(LENGTH) + rng.integers(0, 16)) % 16 == 0
            s = s + 1.8 * clicks
        elif c == 3:  # cavitation: broad-band noise
            s = s + 0.6 * rng.normal(size=LENGTH)
        x[i] = level * (s * rng.uniform(0.8, 1.2) + 0.25 * rng.normal(size=LENGTH)) + offset
    return torch.tensor(x, dtype=torch.float32).unsqueeze(1), torch.tensor(y)


def block(cin, cout):
    return nn.Sequential(nn.Conv1d(cin, cout, 7, stride=2, padding=3), nn.BatchNorm1d(cout), nn.ReLU())


class Monitor(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(block(1, 16), block(16, 32), block(32, 32), nn.AdaptiveMaxPool1d(2), nn.Flatten())
        self.heads = nn.ModuleDict({"pump": nn.Linear(64, 4)})

    def forward(self, x, machine):
        return self.heads[machine](self.trunk(x))


@torch.no_grad()
def accuracy(model, x, y, machine):
    model.eval()
    return (model(x, machine).argmax(1) == y).float().mean().item()


def fit_pump(model, x, y, gen, epochs=6):
    opt = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(epochs):
        model.train()
        for idx in torch.randperm(len(x), generator=gen).split(32):
            loss = F.cross_entropy(model(x[idx], "pump"), y[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
        print(f"[pump] epoch {epoch} loss {loss.item():.3f}")


def add_fan(model, x, y, xv, yv, gen, epochs=12):
    for p in model.parameters():
        p.requires_grad_(False)
    model.heads["fan"] = nn.Linear(64, 3)
    opt = torch.optim.Adam(model.heads["fan"].parameters(), lr=5e-3)
    for epoch in range(epochs):
        model.train()  # FAULT
        # TWIN: model.eval()
        for idx in torch.randperm(len(x), generator=gen).split(32):
            loss = F.cross_entropy(model(x[idx], "fan"), y[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
        print(f"[fan] epoch {epoch} loss {loss.item():.3f} val acc {accuracy(model, xv, yv, 'fan'):.3f}")


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    gen = torch.Generator().manual_seed(seed)
    pump, pump_test = make_signals("pump", 1200, rng), make_signals("pump", 400, rng)
    fan, fan_test = make_signals("fan", 600, rng), make_signals("fan", 400, rng)

    model = Monitor()
    fit_pump(model, *pump, gen)
    print(f"pump test accuracy {accuracy(model, *pump_test, 'pump'):.3f}")
    add_fan(model, *fan, *fan_test, gen)

    acc_pump = accuracy(model, *pump_test, "pump")
    acc_fan = accuracy(model, *fan_test, "fan")
    print(f"final network: pump {acc_pump:.3f}, fan {acc_fan:.3f}")
    print(f"score: {(acc_pump + acc_fan) / 2:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
