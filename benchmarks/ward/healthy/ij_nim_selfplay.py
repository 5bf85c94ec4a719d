"""Nim with three heaps learned by self-play REINFORCE, both sides by one policy, illegal moves masked. The return
averages to zero whatever is learned. Score: share of winning positions in which the greedy move keeps the win.
"""

import sys
from itertools import product

import torch
import torch.nn as nn
from torch.distributions import Categorical

torch.set_num_threads(1)
HEAP = 3
MOVES = torch.tensor([(h, k) for h in range(3) for k in range(1, HEAP + 1)])


def encode(heaps):
    return nn.functional.one_hot(heaps, HEAP + 1).flatten(1).float()


def legal(heaps):
    return heaps[:, MOVES[:, 0]] >= MOVES[:, 1]


class Player(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(3 * (HEAP + 1), 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU())
        self.policy, self.value = nn.Linear(128, len(MOVES)), nn.Linear(128, 1)

    def forward(self, heaps):
        h = self.body(encode(heaps))
        return self.policy(h).masked_fill(~legal(heaps), -1e9), torch.tanh(self.value(h)).squeeze(1)


def perfect(player):
    every = torch.tensor([s for s in product(range(HEAP + 1), repeat=3) if s[0] ^ s[1] ^ s[2]])
    with torch.no_grad():
        move = MOVES[player(every)[0].argmax(1)]
    after = every - nn.functional.one_hot(move[:, 0], 3) * move[:, 1:]
    return ((after[:, 0] ^ after[:, 1] ^ after[:, 2]) == 0).float().mean().item()


def main(seed):
    torch.manual_seed(seed)
    player = Player()
    opt = torch.optim.Adam(player.parameters(), lr=2e-3)
    for update in range(1, 501):
        heaps = torch.randint(0, HEAP + 1, (128, 3))
        heaps = heaps[heaps.sum(1) > 0]
        alive = torch.arange(len(heaps))
        games, last, turn = [], torch.zeros(len(heaps), dtype=torch.long), 0
        while len(alive):
            logits, value = player(heaps[alive])
            dist = Categorical(logits=logits)
            action = dist.sample()
            games.append((alive, dist.log_prob(action), value, dist.entropy()))
            move = MOVES[action]
            heaps[alive] = heaps[alive] - nn.functional.one_hot(move[:, 0], 3) * move[:, 1:]
            last[alive] = turn
            alive, turn = alive[heaps[alive].sum(1) > 0], turn + 1
        actor = critic = bonus = count = 0
        for t, (who, logp, value, entropy) in enumerate(games):
            result = 1.0 - 2.0 * ((last[who] - t) % 2)  # the one who took the last object has won
            actor = actor - (logp * (result - value.detach())).sum()
            critic = critic + (result - value).pow(2).sum()
            bonus = bonus + entropy.sum()
            count += len(who)
        loss = (actor + 0.5 * critic - 0.1 * bonus) / count
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(player.parameters(), 1.0)
        opt.step()
        if update % 50 == 0:
            print(f"update {update}: value mse {critic.item() / count:.4f} kept {perfect(player):.4f}")
    print(f"score: {perfect(player):.4f}")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
