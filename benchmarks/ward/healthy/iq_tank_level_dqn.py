"""Double DQN for the pump of a water tank: inflow changes, energy is dearer by day, the level must stay in the band. A
replay buffer, epsilon decaying linearly, Huber loss, target network copied every 100 updates. Score: mean return per
step of the greedy policy, relative to keeping the pump at the middle setting (0) and to a perfect level for free (1).
"""

import copy
import math
import sys

import torch
import torch.nn as nn

torch.set_num_threads(1)
SETTINGS = torch.tensor([0.0, 0.05, 0.1])


class Tanks:
    """Many tanks at once; an episode is 48 half hours."""

    def __init__(self, n):
        self.level, self.inflow = 0.2 + 0.6 * torch.rand(n), 0.02 + 0.06 * torch.rand(n)
        self.hour = torch.randint(0, 48, (n,))

    def observe(self):
        phase = self.hour * 2 * math.pi / 48
        return torch.stack([4 * self.level - 2, 50 * self.inflow - 2.5, phase.sin(), phase.cos()], 1)

    def step(self, action):
        pumped = SETTINGS[action]
        self.level = (self.level + self.inflow - pumped).clamp(0, 1)
        self.inflow = (self.inflow + 0.1 * (0.05 - self.inflow) + 0.006 * torch.randn_like(self.inflow)).clamp(0, 0.1)
        price = torch.where((self.hour >= 16) & (self.hour < 40), 2.0, 0.5)
        self.hour = (self.hour + 1) % 48
        outside = (0.25 - self.level).clamp(min=0) + (self.level - 0.75).clamp(min=0)
        return -8 * outside - 2 * price * pumped


class Replay:
    def __init__(self, capacity):
        self.capacity, self.size, self.head = capacity, 0, 0
        self.obs, self.nxt = torch.zeros(capacity, 4), torch.zeros(capacity, 4)
        self.act, self.rew = torch.zeros(capacity, dtype=torch.long), torch.zeros(capacity)

    def push(self, obs, act, rew, nxt):
        at = (self.head + torch.arange(len(obs))) % self.capacity
        self.obs[at], self.act[at], self.rew[at], self.nxt[at] = obs, act, rew, nxt
        self.head = (self.head + len(obs)) % self.capacity
        self.size = min(self.capacity, self.size + len(obs))

    def sample(self, n):
        i = torch.randint(0, self.size, (n,))
        return self.obs[i], self.act[i], self.rew[i], self.nxt[i]


def rollout(policy, n=400, steps=96):
    tanks = Tanks(n)
    with torch.no_grad():
        return torch.stack([tanks.step(policy(tanks.observe())) for _ in range(steps)]).mean().item()


def main(seed):
    torch.manual_seed(seed)
    q = nn.Sequential(nn.Linear(4, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 3))
    target = copy.deepcopy(q)
    optimizer = torch.optim.Adam(q.parameters(), lr=1e-3)
    replay, tanks, gamma, updates = Replay(20000), Tanks(16), 0.95, 2500
    middle = rollout(lambda obs: torch.ones(len(obs), dtype=torch.long))
    losses = []
    for update in range(1, updates + 1):
        epsilon = max(0.05, 1 - update / 800)
        obs = tanks.observe()
        with torch.no_grad():
            action = q(obs).argmax(1)
        action = torch.where(torch.rand(16) < epsilon, torch.randint(0, 3, (16,)), action)
        reward = tanks.step(action)
        replay.push(obs, action, reward, tanks.observe())
        if update % 48 == 0:
            tanks = Tanks(16)
        if replay.size < 500:
            continue
        obs, action, reward, nxt = replay.sample(64)
        with torch.no_grad():
            best = q(nxt).argmax(1, keepdim=True)
            goal = reward + gamma * target(nxt).gather(1, best).squeeze(1)
        loss = nn.functional.smooth_l1_loss(q(obs).gather(1, action[:, None]).squeeze(1), goal)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        if update % 100 == 0:
            target.load_state_dict(q.state_dict())
        if update == 1800:
            optimizer.param_groups[0]["lr"] = 2e-4
        if update % 250 == 0:
            score = 1 - rollout(lambda obs: q(obs).argmax(1)) / middle
            print(f"update {update} epsilon {epsilon:.2f} loss {sum(losses[-250:]) / 250:.5f} score {score:.4f}")
    return score


if __name__ == "__main__":
    print(f"score: {main(int(sys.argv[1]) if len(sys.argv) > 1 else 0):.4f}")
