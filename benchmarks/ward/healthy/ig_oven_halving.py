"""Bread moisture from oven logs; width, rate and decay found by successive halving: of eight, the better half goes on.

The winner is trained to the end and measured on loaves that took no part in the choice.
"""

import sys
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import nn


def loaves(n, generator):
    logs = torch.randn(n, 8, generator=generator)
    crust = torch.sigmoid(2 * logs[:, 0] + logs[:, 1])
    moisture = 1.5 * crust - 0.7 * logs[:, 2].abs() + 0.5 * logs[:, 3] * logs[:, 4] + 0.3 * torch.sin(2 * logs[:, 5])
    return logs, (moisture + 0.2 * torch.randn(n, generator=generator)).unsqueeze(1)


@dataclass
class Candidate:
    width: int
    rate: float
    decay: float
    net: nn.Module = field(init=False)
    optimizer: torch.optim.Optimizer = field(init=False)
    error: float = float("inf")

    def __post_init__(self):
        w = self.width
        self.net = nn.Sequential(nn.Linear(8, w), nn.ReLU(), nn.Linear(w, w), nn.ReLU(), nn.Linear(w, 1))
        self.optimizer = torch.optim.AdamW(self.net.parameters(), lr=self.rate, weight_decay=self.decay)

    def train(self, x, y, epochs, anneal=False):
        schedule = torch.optim.lr_scheduler.LinearLR(self.optimizer, 1.0, 0.05, total_iters=epochs) if anneal else None
        self.net.train()
        for _ in range(epochs):
            for rows in torch.randperm(len(x)).split(50):
                self.optimizer.zero_grad()
                loss = F.mse_loss(self.net(x[rows]), y[rows])
                loss.backward()
                self.optimizer.step()
            if schedule is not None:
                schedule.step()

    def r_squared(self, x, y):
        self.net.eval()
        with torch.no_grad():
            self.error = F.mse_loss(self.net(x), y).item()
        return 1 - self.error / y.var(unbiased=False).item()


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    train, choose, final = loaves(2000, generator), loaves(500, generator), loaves(500, generator)
    mean, std = train[1].mean(), train[1].std()
    train, choose, final = ((x, (y - mean) / std) for x, y in (train, choose, final))

    rates = 10 ** (-3.2 + 1.2 * torch.rand(8, generator=generator))
    decays = 10 ** (-4 + 2 * torch.rand(8, generator=generator))
    field_of = [
        Candidate((32, 48, 64, 96)[i % 4], rate.item(), decay.item())
        for i, (rate, decay) in enumerate(zip(rates, decays, strict=True))
    ]
    epochs = 3
    while len(field_of) > 1:
        for candidate in field_of:
            candidate.train(*train, epochs)
            r2 = candidate.r_squared(*choose)
            print(f"{len(field_of)} left: width {candidate.width:2d} rate {candidate.rate:.5f} R2 {r2:.4f}")
        field_of = sorted(field_of, key=lambda c: c.error)[: len(field_of) // 2]
        epochs *= 2
    winner = field_of[0]
    winner.train(*train, 12, anneal=True)
    print(f"winner: width {winner.width}, rate {winner.rate:.5f}, decay {winner.decay:.5f}")
    print(f"score: {winner.r_squared(*final):.4f}")


if __name__ == "__main__":
    main()
