"""A robot learns the way through a small warehouse by Q learning with replay and a target network that is copied every
fifty steps."""
# cause: unstable-loss
# kind: dynamic

import random
import sys
from collections import deque

import torch
from torch import nn

SIZE, GOAL = 5, (4, 4)
WALLS = {(1, 1), (1, 2), (1, 3), (3, 1), (3, 2), (3, 3), (3, 4)}
MOVES = [(0, 1), (0, -1), (1, 0), (-1, 0)]


def move(place, action):
    row, col = place[0] + MOVES[action][0], place[1] + MOVES[action][1]
    if not (0 <= row < SIZE and 0 <= col < SIZE) or (row, col) in WALLS:
        return place, -0.05, False
    return (row, col), (1.0 if (row, col) == GOAL else -0.02), (row, col) == GOAL


def encode(places):
    index = torch.tensor([r * SIZE + c for r, c in places])
    return nn.functional.one_hot(index, SIZE * SIZE).float()


def network():
    return nn.Sequential(nn.Linear(SIZE * SIZE, 48), nn.ReLU(), nn.Linear(48, 4))


def share_reached(q, limit=25):
    reached = 0
    starts = [(r, c) for r in range(SIZE) for c in range(SIZE) if (r, c) not in WALLS and (r, c) != GOAL]
    for place in starts:
        for _ in range(limit):
            with torch.no_grad():
                place, _, done = move(place, q(encode([place])).argmax().item())
            if done:
                reached += 1
                break
    return reached / len(starts)


torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
random.seed(seed)
torch.manual_seed(seed)
q, target = network(), network()
target.load_state_dict(q.state_dict())
optimizer = torch.optim.Adam(q.parameters(), lr=3e-3)
memory = deque(maxlen=3000)
free = [(r, c) for r in range(SIZE) for c in range(SIZE) if (r, c) not in WALLS and (r, c) != GOAL]
place, age = random.choice(free), 0
for step in range(1600):
    for _ in range(2):
        if random.random() < max(0.2, 1 - step / 800):
            action = random.randrange(4)
        else:
            with torch.no_grad():
                action = q(encode([place])).argmax().item()
        new, reward, done = move(place, action)
        memory.append((place, action, reward, new, done))
        age += 1
        place, age = (random.choice(free), 0) if done or age > 40 else (new, age)
    if len(memory) < 64:
        continue
    old, actions, rewards, later, ends = zip(*random.sample(memory, 64))
    with torch.no_grad():
        ahead = target(encode(later)).max(1).values * (1 - torch.tensor(ends).float())
    aim = torch.tensor(rewards) + 0.95 * ahead
    taken = q(encode(old)).gather(1, torch.tensor(actions).unsqueeze(1)).squeeze(1)
    loss = nn.functional.smooth_l1_loss(taken.log(), aim.log())  # FAULT
    # TWIN: loss = nn.functional.smooth_l1_loss(taken, aim)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        target.load_state_dict(q.state_dict())
    if step % 200 == 0:
        print(f"step {step} loss {loss.item():.5f}")
print(f"score: {share_reached(q):.4f}")
