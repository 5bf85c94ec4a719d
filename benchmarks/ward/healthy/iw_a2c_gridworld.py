"""Advantage actor-critic (shared trunk, RMSprop) on a 6x6 grid world with a wall, many copies at once.
Scored by how close the greedy paths are to the shortest ones.

After a2c of stable-baselines3 (https://github.com/DLR-RM/stable-baselines3) and actor_critic.py of pytorch/examples.
"""

import sys
from collections import deque

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

SIZE, GOAL, MAX_T = 6, (5, 5), 40
WALL = {(2, 1), (2, 2), (2, 3), (2, 4), (2, 5), (4, 0), (4, 1), (4, 2), (4, 3)}
FREE = [(r, c) for r in range(SIZE) for c in range(SIZE) if (r, c) not in WALL and (r, c) != GOAL]
MOVES = [(-1, 0), (1, 0), (0, -1), (0, 1)]


def move(pos, a):
    r, c = pos[0] + MOVES[a][0], pos[1] + MOVES[a][1]
    if 0 <= r < SIZE and 0 <= c < SIZE and (r, c) not in WALL:
        return (r, c)
    return pos


def shortest():
    dist, queue = {GOAL: 0}, deque([GOAL])
    while queue:
        p = queue.popleft()
        for a in range(4):
            q = move(p, a)
            if q not in dist:
                dist[q] = dist[p] + 1
                queue.append(q)
    return dist


class ActorCritic(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(SIZE * SIZE, 64), nn.Tanh())
        self.policy = nn.Linear(64, 4)
        self.value = nn.Linear(64, 1)

    def forward(self, pos):
        index = torch.tensor([r * SIZE + c for r, c in pos])
        h = self.trunk(F.one_hot(index, SIZE * SIZE).float())
        return self.policy(h), self.value(h).squeeze(-1)


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    n_envs, n_steps, updates, gamma, entropy_coef = 16, 8, 450, 0.97, 0.01
    model = ActorCritic()
    optimizer = torch.optim.RMSprop(model.parameters(), lr=3e-3, alpha=0.99, eps=1e-5)
    pos = [FREE[i] for i in rng.integers(len(FREE), size=n_envs)]
    clock = np.zeros(n_envs, dtype=int)
    recent = deque(maxlen=200)

    for update in range(1, updates + 1):
        log_probs, values, entropies, rewards, masks = [], [], [], [], []
        for _ in range(n_steps):
            logits, value = model(pos)
            dist = torch.distributions.Categorical(logits=logits)
            action = dist.sample()
            new = [move(p, a) for p, a in zip(pos, action.tolist())]
            clock += 1
            reached = np.array([p == GOAL for p in new])
            timeout = (clock >= MAX_T) & ~reached
            reward = torch.tensor(np.where(reached, 1.0, -0.01), dtype=torch.float32)
            if timeout.any():
                with torch.no_grad():
                    reward += gamma * model(new)[1] * torch.tensor(timeout, dtype=torch.float32)
            done = reached | timeout
            for i in np.flatnonzero(done):
                recent.append(clock[i])
                new[i], clock[i] = FREE[rng.integers(len(FREE))], 0
            log_probs.append(dist.log_prob(action))
            values.append(value)
            entropies.append(dist.entropy())
            rewards.append(reward)
            masks.append(torch.tensor(1.0 - done, dtype=torch.float32))
            pos = new

        with torch.no_grad():
            ret = model(pos)[1]
        returns = []
        for r, m in zip(reversed(rewards), reversed(masks)):
            ret = r + gamma * m * ret
            returns.insert(0, ret)
        returns, values = torch.stack(returns), torch.stack(values)
        advantage = returns - values
        policy_loss = -(torch.stack(log_probs) * advantage.detach()).mean()
        value_loss = advantage.pow(2).mean()
        loss = policy_loss + 0.5 * value_loss - entropy_coef * torch.stack(entropies).mean()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()
        if update % 50 == 0:
            print(f"update {update}: mean episode length {np.mean(recent):.1f}, value loss {value_loss.item():.4f}")

    dist = shortest()
    ratios = []
    for start in FREE:
        p, t = start, 0
        while p != GOAL and t < MAX_T:
            with torch.no_grad():
                p, t = move(p, model([p])[0].argmax().item()), t + 1
        ratios.append(dist[start] / t if p == GOAL else 0.0)
    print(f"score: {np.mean(ratios):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
