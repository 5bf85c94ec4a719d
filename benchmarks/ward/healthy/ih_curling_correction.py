"""Where a curling stone stops: a formula from the textbook plus a learned correction.

The correction's last layer begins at zero, so that training starts from the formula and not from something worse;
the layers below it get no gradient in the first step, and all do from the second.
"""

import sys

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

FRICTION, GRAVITY = 0.012, 9.81


def throw(count, rng):
    speed = rng.uniform(1.6, 2.9, count)
    spin = rng.uniform(-2.5, 2.5, count)
    cold = rng.uniform(-1, 1, count)  # of the ice
    swept = rng.uniform(0, 1, count)
    formula = np.column_stack([speed**2 / (2 * FRICTION * GRAVITY), np.zeros(count)])
    length = formula[:, 0] * (1 - 0.12 * cold + 0.1 * swept * (1 + cold) - 0.01 * spin**2)
    side = np.tanh(spin) * (1.4 - 0.8 * swept) * (0.6 + 0.4 * cold) * speed / 2.2
    stops = np.column_stack([length, side]) + rng.normal(scale=[0.4, 0.06], size=(count, 2))
    inputs = np.column_stack([(speed - 2.25) / 0.375, spin / 1.44, cold / 0.577, (swept - 0.5) / 0.289])
    return [torch.tensor(part, dtype=torch.float32) for part in (inputs, formula, stops)]


class Corrected(nn.Module):
    def __init__(self, scale, width=64):
        super().__init__()
        self.register_buffer("scale", scale)
        self.correction = nn.Sequential(
            nn.Linear(4, width), nn.GELU(), nn.Linear(width, width), nn.GELU(), nn.Linear(width, 2)
        )
        nn.init.zeros_(self.correction[-1].weight)
        nn.init.zeros_(self.correction[-1].bias)

    def forward(self, inputs, formula):
        return formula + self.scale * self.correction(inputs)


def r_squared(model, inputs, formula, stops):
    model.eval()
    with torch.no_grad():
        missed = (model(inputs, formula) - stops).square().mean(0)
    plain = (stops - formula).var(0)  # of what the formula leaves open
    return (1 - missed / plain).mean().item()


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    train, held_out = throw(3000, rng), throw(800, rng)
    scale = (train[2] - train[1]).std(0)
    loader = DataLoader(TensorDataset(*train), batch_size=50, shuffle=True)
    model = Corrected(scale)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, nesterov=True)
    scheduler = torch.optim.lr_scheduler.PolynomialLR(optimizer, total_iters=20, power=1.5)
    for epoch in range(20):
        model.train()
        total = 0.0
        for inputs, formula, stops in loader:
            loss = ((model(inputs, formula) - stops) / scale).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() / len(loader)
        scheduler.step()
        print(f"epoch {epoch + 1:2d}: loss {total:.4f}, explained beyond the formula {r_squared(model, *held_out):.4f}")
    print(f"score: {r_squared(model, *held_out):.4f}")


if __name__ == "__main__":
    main()
