"""Sea level anomaly a week ahead, from the last 32 days at one tide station: a tall stack of narrow dense blocks.

An older version added each block's input to its output; the blocks have been tidied up since.
"""
# cause: vanishing-gradient
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn

WINDOW, AHEAD, DAYS = 32, 7, 2600
DEPTH, WIDTH = 24, 32


def station(rng):
    day = np.arange(DAYS)
    spring = np.sin(2 * np.pi * day / 14.77 + rng.uniform(0, 6))
    lunar = np.sin(2 * np.pi * day / 27.55 + rng.uniform(0, 6))
    surge = np.zeros(DAYS)
    for i in range(1, DAYS):
        surge[i] = 0.9 * surge[i - 1] + 0.1 * rng.normal()
    level = (1 + 0.5 * lunar) * spring + 0.4 * lunar + surge
    return ((level - level.mean()) / level.std()).astype(np.float32)


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = nn.Linear(width, width)

    def forward(self, x):
        return torch.tanh(self.linear(x))  # FAULT
        # TWIN: return x + 0.3 * torch.tanh(self.linear(x))


class Outlook(nn.Module):
    def __init__(self):
        super().__init__()
        self.enter = nn.Linear(WINDOW, WIDTH)
        self.blocks = nn.Sequential(*(Block(WIDTH) for _ in range(DEPTH)))
        self.leave = nn.Linear(WIDTH, 1)

    def forward(self, x):
        return self.leave(self.blocks(self.enter(x))).squeeze(1)


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    level = torch.from_numpy(station(np.random.default_rng(seed)))
    windows = level.unfold(0, WINDOW, 1)[:-AHEAD]
    target = level[WINDOW - 1 + AHEAD :]
    train_x, train_y = windows[:2000], target[:2000]
    test_x, test_y = windows[2040:], target[2040:]

    model = Outlook()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=20)
    mse = nn.MSELoss()
    for epoch in range(20):
        total = 0.0
        for rows in torch.randperm(len(train_x)).split(40):
            loss = mse(model(train_x[rows]), train_y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        scheduler.step()
        with torch.no_grad():
            test = mse(model(test_x), test_y).item()
        if epoch % 4 == 3:
            print(f"epoch {epoch + 1}: train {total / len(train_x):.4f}, test {test:.4f}")
    print(f"score: {1 - test / test_y.var(unbiased=False).item():.4f}")


if __name__ == "__main__":
    main()
