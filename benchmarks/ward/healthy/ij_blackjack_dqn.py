"""Blackjack (hit or stand, infinite deck) by deep Q-learning: replay buffer, target network copied every 250 steps,
epsilon falling. Score: mean return of the greedy policy (about -0.05 is the best possible; a random player loses 0.38).
"""

import copy
import random
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)


def card():
    return min(random.randint(1, 13), 10)


def total(hand):
    usable = 1 in hand and sum(hand) + 10 <= 21
    return sum(hand) + 10 * usable, usable


class Blackjack:
    def reset(self):
        self.me, self.dealer = [card(), card()], [card(), card()]
        return self.state()

    def state(self):
        points, usable = total(self.me)
        return [(points - 15) / 5, (self.dealer[0] - 5.5) / 3, 2.0 * usable - 1]

    def step(self, hit):
        if hit:
            self.me.append(card())
            bust = total(self.me)[0] > 21
            return self.state(), -1.0 * bust, bust
        while total(self.dealer)[0] < 17:
            self.dealer.append(card())
        mine, theirs = total(self.me)[0], total(self.dealer)[0]
        return self.state(), (1.0 if theirs > 21 else float((mine > theirs) - (mine < theirs))), True


def play(q, games):
    grid = torch.tensor(
        [[(p - 15) / 5, (d - 5.5) / 3, 2.0 * u - 1] for p in range(2, 32) for d in range(1, 11) for u in (0, 1)]
    )
    with torch.no_grad():
        hits = {tuple(s): a for s, a in zip(grid.tolist(), q(grid).argmax(1).tolist())}
    env, won = Blackjack(), 0.0
    for _ in range(games):
        s, done = env.reset(), False
        while not done:
            s, r, done = env.step(hits[tuple(torch.tensor(s).tolist())])
        won += r
    return won / games


def main(seed):
    random.seed(seed)
    torch.manual_seed(seed)
    q = nn.Sequential(nn.Linear(3, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 2))
    target = copy.deepcopy(q).requires_grad_(False)
    opt = torch.optim.Adam(q.parameters(), lr=1e-3)
    env, memory = Blackjack(), []
    s = env.reset()
    for step in range(1, 3201):
        for _ in range(3):
            epsilon = max(0.1, 1 - step / 1600)
            with torch.no_grad():
                a = random.randint(0, 1) if random.random() < epsilon else q(torch.tensor(s)).argmax().item()
            s2, r, done = env.step(a)
            memory.append((s, a, r, s2, float(done)))
            s = env.reset() if done else s2
        if len(memory) < 500:
            continue
        bs, ba, br, bs2, bd = (torch.tensor(v) for v in zip(*random.sample(memory, 128)))
        with torch.no_grad():
            goal = br + (1 - bd) * target(bs2).max(1).values
        loss = F.smooth_l1_loss(q(bs).gather(1, ba[:, None]).squeeze(1), goal)
        opt.zero_grad()
        loss.backward()
        opt.step()
        if step % 250 == 0:
            target.load_state_dict(q.state_dict())
        if step % 800 == 0:
            print(f"step {step}: td loss {loss.item():.4f} greedy return {play(q, 2000):+.4f}")
    print(f"score: {play(q, 12000):.4f}")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
