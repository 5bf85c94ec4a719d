"""What will the guest take next? Trays of a canteen as sequences of dishes; a GRU gives the chances of the next dish.

The network returns probabilities, because the kitchen's display wants them, and is trained by the likelihood.
"""
# cause: missing-log
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn

DISHES, LONG = 40, 10


class Canteen:
    """Every dish is followed by one of a few, and which of them depends on the guest's first dish."""

    def __init__(self):
        rng = np.random.default_rng(5)
        self.follow = rng.integers(0, DISHES, (4, DISHES, 3))
        self.chance = np.array([0.7, 0.2, 0.1])

    def trays(self, rng, count):
        rows = np.empty((count, LONG), dtype=np.int64)
        rows[:, 0] = rng.integers(0, DISHES, count)
        kind = rows[:, 0] % 4
        for t in range(1, LONG):
            which = rng.choice(3, size=count, p=self.chance)
            rows[:, t] = self.follow[kind, rows[:, t - 1], which]
        return torch.from_numpy(rows)


class NextDish(nn.Module):
    def __init__(self, embed=24, hidden=64):
        super().__init__()
        self.embed = nn.Embedding(DISHES, embed)
        self.gru = nn.GRU(embed, hidden, batch_first=True)
        self.out = nn.Linear(hidden, DISHES)

    def forward(self, trays):
        states, _ = self.gru(self.embed(trays))
        return torch.softmax(self.out(states), dim=-1)


def train(model, trays, epochs=16, batch=32, rate=4e-3):
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, epochs=epochs, steps_per_epoch=len(trays) // batch)
    criterion = nn.NLLLoss()
    for epoch in range(epochs):
        total, count = 0.0, 0
        for rows in torch.randperm(len(trays))[: len(trays) // batch * batch].view(-1, batch):
            chances = model(trays[rows, :-1]).flatten(0, 1)
            loss = criterion(chances, trays[rows, 1:].flatten())  # FAULT
            # TWIN: loss = criterion(torch.log(chances + 1e-9), trays[rows, 1:].flatten())
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            total, count = total + loss.item(), count + 1
        print(f"epoch {epoch + 1:2d}: criterion {total / count:.4f}")


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    canteen = Canteen()
    train_trays, test_trays = canteen.trays(rng, 3200), canteen.trays(rng, 500)
    model = NextDish()
    train(model, train_trays)
    model.eval()
    with torch.no_grad():
        right = model(test_trays[:, :-1]).argmax(dim=-1) == test_trays[:, 1:]
    print(f"score: {right.float().mean().item():.4f}")


main()
