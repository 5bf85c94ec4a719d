"""Crosses a slippery frozen lake: the cross-entropy method, a policy network fitted to the best tenth of its own trips.

Every round plays 64 trips, keeps the best ones (of this and the last rounds) and imitates their moves. The loss is the
imitation error on data that change from round to round, so it goes up and down; what counts is the return.
"""

import random
import sys

import numpy as np
import torch
import torch.nn as nn

LAKE = ["S...", ".H.H", "...H", "H..G"]
MOVES = [(0, -1), (1, 0), (0, 1), (-1, 0)]
SLIP = 0.1
LONGEST = 40
DISCOUNT = 0.95


class Lake:
    def __init__(self, rng):
        self.rng = rng

    def reset(self):
        self.row, self.column, self.time = 0, 0, 0
        return self.observe()

    def observe(self):
        seen = np.zeros(16, dtype=np.float32)
        seen[self.row * 4 + self.column] = 1.0
        return seen

    def step(self, move):
        if self.rng.random() < SLIP:
            move = (move + self.rng.choice((-1, 1))) % 4
        down, right = MOVES[move]
        self.row = min(max(self.row + down, 0), 3)
        self.column = min(max(self.column + right, 0), 3)
        self.time += 1
        field = LAKE[self.row][self.column]
        return self.observe(), float(field == "G"), field in "HG" or self.time >= LONGEST


def play(lake, policy, greedy=False):
    seen, moves, over, reward = [], [], False, 0.0
    now = lake.reset()
    while not over:
        with torch.no_grad():
            chances = torch.softmax(policy(torch.from_numpy(now)), dim=0).numpy().astype(float)
        move = int(chances.argmax()) if greedy else int(lake.rng.choices(range(4), weights=chances)[0])
        seen.append(now)
        moves.append(move)
        now, reward, over = lake.step(move)
    return seen, moves, reward * DISCOUNT ** len(moves)


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    lake = Lake(random.Random(seed))
    policy = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 4))
    optimizer = torch.optim.Adam(policy.parameters(), lr=5e-3)
    loss_fn = nn.CrossEntropyLoss()
    elites = []
    for round_ in range(60):
        trips = [play(lake, policy) for _ in range(64)]
        pool = [trip for trip in elites + trips if trip[2] > 0]
        if not pool:
            continue
        bar = np.percentile([trip[2] for trip in pool], 60)
        elites = [trip for trip in pool if trip[2] >= bar][-120:]
        inputs = torch.from_numpy(np.concatenate([np.array(seen) for seen, _, _ in elites]))
        targets = torch.tensor([move for _, moves, _ in elites for move in moves])
        for _ in range(2):
            optimizer.zero_grad()
            loss = loss_fn(policy(inputs), targets)
            loss.backward()
            optimizer.step()
        if round_ % 10 == 9:
            reached = np.mean([trip[2] > 0 for trip in trips])
            print(f"round {round_ + 1}: loss {loss.item():.3f}, reached {reached:.2f}, elites above {bar:.3f}")
    final = [play(lake, policy, greedy=True)[2] > 0 for _ in range(300)]
    print(f"score: {np.mean(final):.4f}")


if __name__ == "__main__":
    main()
