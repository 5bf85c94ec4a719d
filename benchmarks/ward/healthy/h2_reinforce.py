"""REINFORCE with normalised returns on a 4x4 grid: walk from a random cell to the goal corner, -0.1 per step."""

import random
import sys

import torch
import torch.nn as nn
import torch.optim as optim
from torch.distributions import Categorical

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
random.seed(seed)

SIZE, GAMMA, MAX_STEPS = 4, 0.95, 20
MOVES = [(0, 1), (0, -1), (1, 0), (-1, 0)]


class GridWorld:
    def reset(self):
        self.pos = (0, 0)
        while self.pos == (0, 0) or self.pos == (SIZE - 1, SIZE - 1):
            self.pos = (random.randrange(SIZE), random.randrange(SIZE))
        return self.state()

    def state(self):
        one_hot = torch.zeros(SIZE * SIZE)
        one_hot[self.pos[0] * SIZE + self.pos[1]] = 1.0
        return one_hot

    def step(self, action):
        dr, dc = MOVES[action]
        self.pos = (min(max(self.pos[0] + dr, 0), SIZE - 1), min(max(self.pos[1] + dc, 0), SIZE - 1))
        done = self.pos == (SIZE - 1, SIZE - 1)
        return self.state(), (1.0 if done else -0.1), done


env = GridWorld()
policy = nn.Sequential(nn.Linear(SIZE * SIZE, 32), nn.ReLU(), nn.Linear(32, 4))
optimizer = optim.Adam(policy.parameters(), lr=5e-3)


def run_episode(greedy=False):
    log_probs, rewards = [], []
    state = env.reset()
    for _ in range(MAX_STEPS):
        logits = policy(state)
        dist = Categorical(logits=logits)
        action = logits.argmax() if greedy else dist.sample()
        log_probs.append(dist.log_prob(action))
        state, reward, done = env.step(action.item())
        rewards.append(reward)
        if done:
            break
    return log_probs, rewards


for update in range(1, 121):
    all_log_probs, all_returns, totals = [], [], []
    for _ in range(8):
        log_probs, rewards = run_episode()
        R, returns = 0.0, []
        for r in reversed(rewards):
            R = r + GAMMA * R
            returns.insert(0, R)
        all_log_probs += log_probs
        all_returns += returns
        totals.append(sum(rewards))
    returns = torch.tensor(all_returns)
    returns = (returns - returns.mean()) / (returns.std() + 1e-8)
    loss = -(torch.stack(all_log_probs) * returns).sum() / 8
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if update % 20 == 0:
        print(f"update {update} average reward {sum(totals) / len(totals):.2f}")

with torch.no_grad():
    final = [sum(run_episode(greedy=True)[1]) for _ in range(100)]
print(f"score: {sum(final) / len(final):.4f}")
