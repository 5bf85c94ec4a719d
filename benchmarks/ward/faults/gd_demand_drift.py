"""Demand forecast on a drifting stream: one pass in time order, batches of one, each sample predicted before it is
learned, as it would arrive; the level wanders and the coefficients switch, so the squared error never settles and jumps
at each switch. A recurrent state is carried along, detached at each step. Score: R2 of the one-step forecasts.
"""
# cause: exploding-through-time
# kind: dynamic

import sys

import torch
import torch.nn as nn

torch.set_num_threads(1)


def stream(n):
    """Yields features and the demand that followed; the regime changes about every 1,200 steps."""
    level, weights = 0.0, torch.tensor([0.8, -0.5, 0.4])
    for t in range(n):
        if t % 1200 == 0:
            weights = torch.where(torch.rand(3) < 0.5, -weights, weights)
        level = 0.995 * level + 0.05 * torch.randn(()).item()
        x = torch.randn(3)
        daily = 0.5 * torch.sin(torch.tensor(2 * torch.pi * t / 24))
        y = level + daily + (weights * x).sum() + 0.15 * torch.randn(())
        clock = torch.tensor(2 * torch.pi * t / 24)
        yield torch.cat([x, clock.sin()[None], clock.cos()[None]]), y


class Forecaster(nn.Module):
    def __init__(self, hidden=16):
        super().__init__()
        self.cell = nn.GRUCell(6, hidden)
        self.from_state, self.from_now = nn.Linear(hidden, 1), nn.Linear(5, 1)
        self.state = torch.zeros(1, hidden)  # FAULT
        # TWIN: self.state = None

    def forward(self, x, last):
        self.state = self.state + self.cell(torch.cat([x, last])[None], self.state)  # FAULT
        # TWIN: self.state = self.cell(torch.cat([x, last])[None], self.state)
        return (self.from_state(self.state) + self.from_now(x[None])).squeeze()

    def detach(self):
        self.state = self.state.detach()


def main(seed):
    torch.manual_seed(seed)
    n = 6000
    model = Forecaster()
    optimizer = torch.optim.SGD(
        [
            {"params": model.from_now.parameters(), "lr": 0.02},
            {"params": [*model.cell.parameters(), *model.from_state.parameters()], "lr": 0.01},
        ]
    )
    errors, targets, last = [], [], torch.zeros(1)
    for t, (x, y) in enumerate(stream(n), 1):
        forecast = model(x, last)
        loss = (forecast - y) ** 2
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        model.detach()
        last = (y - forecast.detach())[None]
        errors.append(loss.item())
        targets.append(y.item())
        if t % 300 == 0:
            print(f"after {t}: mean squared error of the last 300 forecasts {sum(errors[-300:]) / 300:.4f}")
    targets, errors = torch.tensor(targets[300:]), torch.tensor(errors[300:])
    print(f"score: {1 - (errors.mean() / targets.var()).item():.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
