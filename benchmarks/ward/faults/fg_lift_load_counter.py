"""Load of a goods lift: along a log of door events, what went in and what came out is weighed at either door, and the
load at the end of the day is to be told, in which wheels and pallets cost the scales a little of each heavy reading.
A recurrent network of rectified units that starts from the identity, as in the paper on long memories."""
# cause: exploding-gradient
# accept: learning-rate-too-high exploding-through-time
# kind: dynamic

import sys

import torch
from torch import nn

LENGTH, WIDTH, BATCH, STEPS = 70, 48, 64, 800


class RectifiedMemory(nn.Module):
    """h = relu(W h + U x + b), read at the end."""

    def __init__(self, inputs, width):
        super().__init__()
        self.take_in = nn.Linear(inputs, width)
        self.carry = nn.Linear(width, width, bias=False)
        self.read = nn.Linear(width, 1)
        nn.init.eye_(self.carry.weight)
        nn.init.normal_(self.take_in.weight, std=0.1)
        nn.init.zeros_(self.take_in.bias)

    def forward(self, events):
        state = events.new_zeros(events.size(0), self.carry.in_features)
        for event in self.take_in(events).unbind(1):
            state = torch.relu(self.carry(state) + event)
        return self.read(state).squeeze(1)


class LiftLog:
    """Draws logs: per event the reading of the scales at the front door and of those at the back door."""

    def __init__(self, seed):
        self.random = torch.Generator().manual_seed(seed)

    def draw(self, count):
        readings = torch.rand(count, LENGTH, 2, generator=self.random)
        readings = readings * (torch.rand(count, LENGTH, 2, generator=self.random) < 0.3)
        true = readings - 0.3 * readings.square()
        load = true[:, :, 0].sum(1) - true[:, :, 1].sum(1)
        return readings, load / 2.0


def r_squared(model, events, total):
    model.eval()
    with torch.no_grad():
        return (1 - (model(events) - total).pow(2).mean() / total.var()).item()


def train(model, log, held_out):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.05, STEPS)
    running = 0.0
    for step in range(1, STEPS + 1):
        model.train()
        events, total = log.draw(BATCH)
        loss = nn.functional.mse_loss(model(events), total)
        optimizer.zero_grad()
        loss.backward()
        # TWIN: nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        scheduler.step()
        running += loss.item()
        if step % 100 == 0:
            print(f"step {step:4d}  mse {running / 100:.4f}  held-out R2 {r_squared(model, *held_out):.4f}")
            running = 0.0


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    model = RectifiedMemory(2, WIDTH)
    held_out = LiftLog(seed + 9000).draw(1000)
    train(model, LiftLog(seed), held_out)
    score = r_squared(model, *held_out)
    print(f"score: {max(score, -1.0) if score == score else -1.0:.4f}")


if __name__ == "__main__":
    main()
