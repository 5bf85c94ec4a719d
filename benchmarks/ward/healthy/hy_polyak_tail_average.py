"""Airfoil noise level by a network whose weights are averaged over the last third of the steps; the average is tested.
The rate stays constant, as the average takes the place of a schedule."""

import copy
import sys

import numpy as np
import torch
from torch import nn


def airfoil(n, rng):
    freq, angle, chord, speed, thick = rng.uniform(-1, 1, (5, n))
    level = -1.2 * (freq - 0.3 * angle) ** 2 + 0.5 * speed - 0.6 * chord * freq + 0.4 * np.sin(3 * thick)
    x = np.stack([freq, angle, chord, speed, thick], axis=1) * 1.7
    return torch.tensor(x).float(), torch.tensor((level + 0.08 * rng.normal(size=n) + 0.4) / 0.75).float()


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    x, y = airfoil(2000, rng)
    x_test, y_test = airfoil(600, rng)
    model = nn.Sequential(nn.Linear(5, 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU(), nn.Linear(64, 1), nn.Flatten(0))
    average, kept = None, 0
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    steps, start = 1200, 800
    for step in range(steps):
        idx = torch.randint(len(x), (40,))
        loss = nn.functional.mse_loss(model(x[idx]), y[idx])
        optimizer.zero_grad(set_to_none=False)
        loss.backward()
        optimizer.step()
        if step >= start:
            kept += 1
            if average is None:
                average = copy.deepcopy(model)
            else:
                with torch.no_grad():
                    for mean, now in zip(average.parameters(), model.parameters()):
                        mean.lerp_(now, 1 / kept)
        if step % 100 == 0:
            print(f"step {step} loss {loss.item():.4f}")
    with torch.no_grad():
        error = nn.functional.mse_loss(average(x_test), y_test).item()
    print(f"score: {1 - error / y_test.var().item():.4f}")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
