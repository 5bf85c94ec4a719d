"""Deep Q-learning in a corridor with a wind: replay memory, a target network copied now and then, actions at random at
first. Targets move, so the loss need not fall."""

import random
import sys
from collections import deque

import torch
from torch import nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
random.seed(seed)
torch.manual_seed(seed)
LENGTH, LIMIT = 8, 30


class Corridor:
    def reset(self):
        self.place, self.time = 2, 0
        return self.state()

    def state(self):
        return [self.place / LENGTH - 0.5, float(self.place % 2)]

    def step(self, action):
        self.time += 1
        move = 1 if action == 1 else -1
        if random.random() < 0.15:
            move = -move
        self.place = max(0, self.place + move)
        won = self.place == LENGTH
        return self.state(), (1.0 if won else -0.02), won or self.time >= LIMIT, won


def make_net():
    return nn.Sequential(nn.Linear(2, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 2))


online, target = make_net(), make_net()
target.load_state_dict(online.state_dict())
optimizer = torch.optim.Adam(online.parameters(), lr=1e-3)
memory, world = deque(maxlen=4000), Corridor()
state = world.reset()
for step in range(3000):
    explore = max(0.1, 1 - step / 1500)
    if random.random() < explore:
        action = random.randrange(2)
    else:
        with torch.no_grad():
            action = int(online(torch.tensor(state)).argmax())
    following, reward, over, won = world.step(action)
    memory.append((state, action, reward, following, float(won)))
    state = world.reset() if over else following
    if step >= 200 and step % 2 == 0:
        s, a, r, s2, end = (torch.tensor(part) for part in zip(*random.sample(memory, 48)))
        with torch.no_grad():
            wanted = r + 0.97 * (1 - end) * target(s2).max(dim=1).values
        loss = nn.functional.smooth_l1_loss(online(s).gather(1, a.unsqueeze(1)).squeeze(1), wanted)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if step % 100 == 0:
        target.load_state_dict(online.state_dict())
    if step % 500 == 499:
        print(f"step {step + 1} loss {loss.item():.5f}")

earned = 0.0
for _ in range(50):
    state, over = world.reset(), False
    while not over:
        with torch.no_grad():
            state, reward, over, _ = world.step(int(online(torch.tensor(state)).argmax()))
        earned += reward
print(f"score: {earned / 50:.4f}")
