"""Hindsight experience replay: double DQN learns to flip bits to a goal, with rewards too rare to learn from otherwise.

After https://github.com/AlexHermansson/hindsight-experience-replay (Andrychowicz et al. 2017).
"""

import copy
import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

NUM_BITS = 8
GAMMA = 0.95


class ReplayBuffer:
    def __init__(self, capacity, rng):
        self.obs = np.zeros((capacity, 2 * NUM_BITS), dtype=np.float32)
        self.next_obs = np.zeros_like(self.obs)
        self.action = np.zeros(capacity, dtype=np.int64)
        self.reward = np.zeros(capacity, dtype=np.float32)
        self.done = np.zeros(capacity, dtype=np.float32)
        self.capacity, self.size, self.position, self.rng = capacity, 0, 0, rng

    def push(self, state, action, next_state, goal):
        reached = float((next_state == goal).all())
        i = self.position
        self.obs[i] = np.concatenate([state, goal])
        self.next_obs[i] = np.concatenate([next_state, goal])
        self.action[i], self.reward[i], self.done[i] = action, reached - 1.0, reached
        self.position = (i + 1) % self.capacity
        self.size = min(self.size + 1, self.capacity)

    def sample(self, batch_size):
        idx = self.rng.integers(0, self.size, size=batch_size)
        return (torch.from_numpy(a[idx]) for a in (self.obs, self.action, self.reward, self.next_obs, self.done))


class Agent:
    def __init__(self, rng, lr=1e-3, tau=0.05):
        self.q = nn.Sequential(nn.Linear(2 * NUM_BITS, 128), nn.ReLU(), nn.Linear(128, NUM_BITS))
        self.target = copy.deepcopy(self.q).requires_grad_(False)
        self.optimizer = torch.optim.Adam(self.q.parameters(), lr=lr)
        self.rng, self.tau = rng, tau

    @torch.no_grad()
    def act(self, state, goal, epsilon):
        if self.rng.random() < epsilon:
            return int(self.rng.integers(0, NUM_BITS))
        return int(self.q(torch.from_numpy(np.concatenate([state, goal]))).argmax())

    def update(self, buffer, batch_size=128):
        obs, action, reward, next_obs, done = buffer.sample(batch_size)
        with torch.no_grad():
            best = self.q(next_obs).argmax(dim=1, keepdim=True)
            next_q = self.target(next_obs).gather(1, best).squeeze(1)
            target = (reward + GAMMA * (1 - done) * next_q).clamp(-1.0 / (1 - GAMMA), 0.0)
        q = self.q(obs).gather(1, action[:, None]).squeeze(1)
        loss = F.smooth_l1_loss(q, target)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        with torch.no_grad():
            for p, t in zip(self.q.parameters(), self.target.parameters()):
                t.lerp_(p, self.tau)
        return loss.item()


def rollout(agent, rng, epsilon):
    state = rng.integers(0, 2, size=NUM_BITS).astype(np.float32)
    goal = rng.integers(0, 2, size=NUM_BITS).astype(np.float32)
    episode, success = [], bool((state == goal).all())
    for _ in range(NUM_BITS):
        if success:
            break
        action = agent.act(state, goal, epsilon)
        next_state = state.copy()
        next_state[action] = 1 - next_state[action]
        episode.append((state, action, next_state))
        state = next_state
        success = bool((state == goal).all())
    return episode, goal, success


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    agent, buffer = Agent(rng), ReplayBuffer(50_000, rng)
    cycles, future_k, successes, losses = 60, 4, [], []

    for cycle in range(1, cycles + 1):
        epsilon = max(0.05, 0.3 * (1 - cycle / (0.7 * cycles)))
        for _ in range(12):
            episode, goal, success = rollout(agent, rng, epsilon)
            successes.append(success)
            for t, (state, action, next_state) in enumerate(episode):
                buffer.push(state, action, next_state, goal)
                for j in rng.integers(t, len(episode), size=future_k):  # goals that were reached later on
                    buffer.push(state, action, next_state, episode[j][2])
        for _ in range(20):
            losses.append(agent.update(buffer))
        if cycle % 6 == 0:
            print(
                f"cycle {cycle:3d}  epsilon {epsilon:.2f}  loss {np.mean(losses[-120:]):.4f}  success {np.mean(successes[-72:]):.3f}"
            )

    test_rng = np.random.default_rng(seed + 10_000)
    results = [rollout(agent, test_rng, 0.0)[2] for _ in range(200)]
    print(f"score: {np.mean(results):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
