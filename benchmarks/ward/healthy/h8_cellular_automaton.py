"""A neural cellular automaton grows a small flag from one seed cell, with a pool of half-grown states to start from.

Score: R2 of the picture grown from a fresh seed for 24 steps (the pool trains stability as well as growth).
"""

import sys

import torch
import torch.nn.functional as F
from torch import nn

torch.set_num_threads(1)
SEED = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(SEED)
SIZE, CHANNELS = 10, 8

target = torch.zeros(2, SIZE, SIZE)
target[0, 2:8, 2:8] = 1.0
target[1, 4:6, 1:9] = 1.0
target[1, 1:9, 4:6] = 1.0


class Automaton(nn.Module):
    def __init__(self):
        super().__init__()
        sobel = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]]) / 8
        identity = torch.zeros(3, 3)
        identity[1, 1] = 1
        self.register_buffer("filters", torch.stack([identity, sobel, sobel.t()])[:, None].repeat(CHANNELS, 1, 1, 1))
        self.think = nn.Conv2d(3 * CHANNELS, 48, 1)
        self.act = nn.Conv2d(48, CHANNELS, 1, bias=False)
        nn.init.normal_(self.act.weight, std=0.02)

    def forward(self, state):
        seen = F.conv2d(state, self.filters, padding=1, groups=CHANNELS)
        change = self.act(F.relu(self.think(seen)))
        awake = (torch.rand_like(state[:, :1]) < 0.75).float()
        return state + change * awake


def seed_state(n):
    state = torch.zeros(n, CHANNELS, SIZE, SIZE)
    state[:, 2:, SIZE // 2, SIZE // 2] = 1.0
    return state


def picture_error(state):
    return (state[:, :2] - target).square().mean(dim=(1, 2, 3))


ca = Automaton()
optimizer = torch.optim.Adam(ca.parameters(), lr=6e-3)
scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[290], gamma=0.3)
pool = seed_state(48)
for step in range(1, 401):
    picks = torch.randperm(len(pool))[:6]
    start = pool[picks]
    start[picture_error(start).argmax()] = seed_state(1)[0]  # the worst one starts afresh
    state = start
    for _ in range(int(torch.randint(14, 21, ()))):
        state = ca(state)
    loss = picture_error(state).mean()
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(ca.parameters(), 1.0)
    optimizer.step()
    scheduler.step()
    pool[picks] = state.detach()
    if step % 50 == 0:
        print(f"step {step}: picture error {loss.item():.5f}")

with torch.no_grad():
    state = seed_state(8)
    for _ in range(24):
        state = ca(state)
    error = picture_error(state).mean()
print(f"score: {(1 - error / target.var(unbiased=False)).item():.4f}")
