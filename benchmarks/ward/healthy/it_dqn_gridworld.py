"""Double DQN with replay memory, epsilon-greedy exploration and a softly updated target network on a small grid world
with walls, a pit and a slippery floor.

After the DQN tutorial of pytorch.org, https://pytorch.org/tutorials/intermediate/reinforcement_q_learning.html
"""

import copy
import math
import random
import sys
from collections import deque, namedtuple

import torch
import torch.nn as nn
import torch.optim as optim

GRID = ["S..#...", ".#.#.#.", ".#...#.", "...#..O", ".#...#.", ".#.#.#.", "...#..G"]
MOVES = [(-1, 0), (1, 0), (0, -1), (0, 1)]
BATCH_SIZE, GAMMA, TAU, LR = 128, 0.95, 0.02, 2e-3
EPS_START, EPS_END, EPS_DECAY = 1.0, 0.05, 1500

Transition = namedtuple("Transition", ("state", "action", "next_state", "reward"))


class GridWorld:
    def __init__(self, seed, slip=0.1):
        self.rng, self.slip = random.Random(seed), slip
        self.free = [(r, c) for r, row in enumerate(GRID) for c, ch in enumerate(row) if ch in "S."]

    def reset(self, anywhere=False):
        self.pos = self.rng.choice(self.free) if anywhere else (0, 0)
        self.t = 0
        return self.observe()

    def observe(self):
        x = torch.zeros(1, 49)
        x[0, self.pos[0] * 7 + self.pos[1]] = 1.0
        return x

    def step(self, action):
        if self.rng.random() < self.slip:
            action = self.rng.randrange(4)
        r, c = self.pos[0] + MOVES[action][0], self.pos[1] + MOVES[action][1]
        if 0 <= r < 7 and 0 <= c < 7 and GRID[r][c] != "#":
            self.pos = (r, c)
        self.t += 1
        cell = GRID[self.pos[0]][self.pos[1]]
        reward = {"G": 1.0, "O": -1.0}.get(cell, -0.01)
        return self.observe(), reward, cell in "GO", self.t >= 60  # state, reward, terminated, truncated


def optimize_model(memory, policy_net, target_net, optimizer):
    batch = Transition(*zip(*random.sample(memory, BATCH_SIZE)))
    non_final = torch.tensor([s is not None for s in batch.next_state])
    next_states = torch.cat([s for s in batch.next_state if s is not None])
    states, actions, rewards = (
        torch.cat(batch.state),
        torch.tensor(batch.action).view(-1, 1),
        torch.tensor(batch.reward),
    )

    q = policy_net(states).gather(1, actions).squeeze(1)
    next_q = torch.zeros(BATCH_SIZE)
    with torch.no_grad():
        best = policy_net(next_states).argmax(1, keepdim=True)  # chosen by one network, valued by the other
        next_q[non_final] = target_net(next_states).gather(1, best).squeeze(1)
    loss = nn.functional.smooth_l1_loss(q, rewards + GAMMA * next_q)
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_value_(policy_net.parameters(), 100)
    optimizer.step()
    for target, source in zip(target_net.parameters(), policy_net.parameters()):
        target.data.lerp_(source.data, TAU)
    return loss.item()


@torch.no_grad()
def evaluate(net, seed, episodes=50):
    env, wins = GridWorld(seed), 0
    for _ in range(episodes):
        state, done, truncated = env.reset(), False, False
        while not (done or truncated):
            state, reward, done, truncated = env.step(net(state).argmax().item())
        wins += reward == 1.0
    return wins / episodes


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    random.seed(seed)
    policy_net = nn.Sequential(nn.Linear(49, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 4))
    target_net = copy.deepcopy(policy_net)
    optimizer = optim.AdamW(policy_net.parameters(), lr=LR, amsgrad=True)
    memory, env = deque([], maxlen=10_000), GridWorld(seed)

    steps, episode, losses = 0, 0, deque(maxlen=100)
    while steps < 5200:
        state, done, truncated = env.reset(anywhere=True), False, False
        while not (done or truncated):
            eps = EPS_END + (EPS_START - EPS_END) * math.exp(-steps / EPS_DECAY)
            with torch.no_grad():
                action = policy_net(state).argmax().item() if random.random() > eps else random.randrange(4)
            next_state, reward, done, truncated = env.step(action)
            memory.append(Transition(state, action, None if done else next_state, reward))
            state = next_state
            steps += 1
            if steps >= 400 and steps % 4 == 0:
                losses.append(optimize_model(memory, policy_net, target_net, optimizer))
        episode += 1
        if episode % 50 == 0 and losses:
            print(
                f"episode {episode}  steps {steps}  eps {eps:.2f}  loss {sum(losses) / len(losses):.4f}  "
                f"greedy success {evaluate(policy_net, seed + 1, 10):.2f}"
            )
    print(f"score: {evaluate(policy_net, 5000 + seed):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
