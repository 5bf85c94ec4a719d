"""Meta-learning of rooms' heating curves: the weights are moved towards those that a few steps on one room lead to, so
that a new room is learned from ten readings."""

import copy
import sys

import torch
from torch import nn


class Room:
    def __init__(self):
        self.gain, self.lag = 0.5 + torch.rand(()), 6.283 * torch.rand(())

    def readings(self, n):
        hour = torch.rand(n, 1) * 2 - 1
        return hour, self.gain * torch.sin(3 * hour + self.lag)


def adapt(model, hour, warmth, steps, lr=0.02):
    model = copy.deepcopy(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    for _ in range(steps):
        loss = nn.functional.mse_loss(model(hour), warmth)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model


def judge(model, rooms=40, steps=32):
    before = after = 0.0
    for _ in range(rooms):
        room = Room()
        mine = adapt(model, *room.readings(10), steps)
        hour, warmth = room.readings(100)
        with torch.no_grad():
            after += nn.functional.mse_loss(mine(hour), warmth).item() / rooms
            before += warmth.square().mean().item() / rooms
    return 1 - after / before


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    model = nn.Sequential(nn.Linear(1, 48), nn.Tanh(), nn.Linear(48, 48), nn.Tanh(), nn.Linear(48, 1))
    rounds = 900
    for step in range(rounds):
        room = Room()
        tuned = adapt(model, *room.readings(20), steps=5)
        rate = 0.8 * (1 - step / rounds)
        with torch.no_grad():
            for slow, fast in zip(model.parameters(), tuned.parameters()):
                slow.lerp_(fast, rate)
        if step % 150 == 0:
            print(f"round {step} rate {rate:.2f} new rooms explained {judge(model, 10):.4f}")
    print(f"score: {judge(model):.4f}")
