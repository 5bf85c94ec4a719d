"""Litres between two marks, read off a water meter's pulses by a recurrent net of rectified units.

The recurrent weights start as a multiple of the identity, so that what was counted early is still there at the end.
"""
# cause: exploding-gradient
# accept: bad-initialization
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn

STEPS = 40
START = 1.25  # FAULT
# TWIN: START = 1.0


def recordings(n, rng):
    pulses = rng.uniform(-1, 1, (n, STEPS))
    marks = np.zeros((n, STEPS))
    for row in marks:
        row[rng.choice(STEPS, 2, replace=False)] = 1
    litres = (pulses * marks).sum(axis=1, keepdims=True)
    x = np.stack([pulses, marks], axis=2)
    return torch.tensor(x, dtype=torch.float32), torch.tensor(litres, dtype=torch.float32)


class Counter(nn.Module):
    def __init__(self, units=48):
        super().__init__()
        self.rnn = nn.RNN(2, units, nonlinearity="relu", batch_first=True)
        self.read = nn.Linear(units, 1)
        with torch.no_grad():
            self.rnn.weight_hh_l0.copy_(START * torch.eye(units))
            self.rnn.bias_hh_l0.zero_()
            self.rnn.bias_ih_l0.zero_()

    def forward(self, x):
        states, _ = self.rnn(x)
        return self.read(states[:, -1])


def r2(model, x, y):
    model.eval()
    with torch.no_grad():
        error = ((model(x) - y) ** 2).mean()
    model.train()
    return (1 - error / y.var()).item()


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    x_test, y_test = recordings(500, rng)
    model = Counter()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    criterion = nn.MSELoss()
    recent = []
    for step in range(1, 1001):
        x, y = recordings(32, rng)
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        recent.append(loss.item())
        if step % 100 == 0:
            print(f"step {step} loss {np.mean(recent[-100:]):.4f} held out {r2(model, x_test, y_test):.4f}")
    # a hopeless model is no worse than one that says the mean
    print(f"score: {max(r2(model, x_test, y_test), -1.0):.4f}")


main()
