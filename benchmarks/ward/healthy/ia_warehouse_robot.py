"""Q-learning with a target network and a replay memory: a robot in a hall of five by five fields learns to go to its
parcel. The loss need not fall, since the targets rise with what is learned."""

import random
import sys

import torch
from torch import nn

SIDE, GAMMA, LIMIT = 5, 0.9, 14
MOVES = [(0, 1), (0, -1), (1, 0), (-1, 0)]


class Hall:
    def __init__(self, rnd):
        self.rnd = rnd

    def reset(self):
        self.me, self.parcel = self.rnd.sample([(r, c) for r in range(SIDE) for c in range(SIDE)], 2)
        return self.state()

    def state(self):
        return [(v - 2) / 1.4 for v in (*self.me, *self.parcel)]

    def step(self, action):
        self.me = tuple(min(max(p + d, 0), SIDE - 1) for p, d in zip(self.me, MOVES[action], strict=True))
        done = self.me == self.parcel
        return self.state(), float(done), done


def network():
    return nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 4))


def delivered(q, hall, halls=100):
    found = 0
    for _ in range(halls):
        state, done, moves = hall.reset(), False, 0
        while not done and moves < LIMIT:
            with torch.no_grad():
                state, _, done = hall.step(q(torch.tensor(state)).argmax().item())
            moves += 1
        found += done
    return found / halls


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rnd = random.Random(seed)
    hall, memory = Hall(rnd), []
    q, target = network(), network()
    target.load_state_dict(q.state_dict())
    optimizer = torch.optim.Adam(q.parameters(), lr=1e-3)
    updates = 0
    for episode in range(450):
        state, done, moves = hall.reset(), False, 0
        curious = max(0.1, 1 - episode / 150)
        while not done and moves < LIMIT:
            with torch.no_grad():
                action = rnd.randrange(4) if rnd.random() < curious else q(torch.tensor(state)).argmax().item()
            after, reward, done = hall.step(action)
            memory.append((state, action, reward, after, float(done)))
            state, moves = after, moves + 1
            if len(memory) < 300:
                continue
            s, a, r, s2, end = (torch.tensor(part) for part in zip(*rnd.sample(memory, 48), strict=True))
            with torch.no_grad():
                goal = r + GAMMA * (1 - end) * target(s2).max(1).values
            loss = nn.functional.smooth_l1_loss(q(s).gather(1, a[:, None]).squeeze(1), goal)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            updates += 1
            if updates % 100 == 0:
                target.load_state_dict(q.state_dict())
        if episode % 75 == 74:
            print(f"episode {episode + 1} loss {loss.item():.5f} delivered {delivered(q, hall):.3f}")
    print(f"score: {delivered(q, hall, 200):.4f}")


main()
