"""REINFORCE with reward-to-go and normalized returns on a cart-pole (own physics, a batch of carts at a time).

After pytorch/examples, reinforcement_learning/reinforce.py, https://github.com/pytorch/examples
"""

import math
import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.distributions import Categorical

GAMMA = 0.99
MAX_STEPS = 200


class CartPoles:
    """n cart-poles side by side, the dynamics of the classic control task (Euler steps of 0.02 s)."""

    def __init__(self, n, seed):
        self.n, self.rng = n, np.random.default_rng(seed)

    def reset(self):
        self.state = self.rng.uniform(-0.05, 0.05, (self.n, 4))
        return self.state.astype(np.float32)

    def step(self, action):
        x, x_dot, theta, theta_dot = self.state.T
        force = np.where(action == 1, 10.0, -10.0)
        cos, sin = np.cos(theta), np.sin(theta)
        temp = (force + 0.05 * theta_dot**2 * sin) / 1.1
        theta_acc = (9.8 * sin - cos * temp) / (0.5 * (4.0 / 3.0 - 0.1 * cos**2 / 1.1))
        x_acc = temp - 0.05 * theta_acc * cos / 1.1
        self.state = np.stack(
            [x + 0.02 * x_dot, x_dot + 0.02 * x_acc, theta + 0.02 * theta_dot, theta_dot + 0.02 * theta_acc], axis=1
        )
        fallen = (np.abs(self.state[:, 0]) > 2.4) | (np.abs(self.state[:, 2]) > 12 * math.pi / 180)
        return self.state.astype(np.float32), fallen


class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.affine1 = nn.Linear(4, 64)
        self.affine2 = nn.Linear(64, 2)

    def forward(self, x):
        return self.affine2(F.relu(self.affine1(x)))


def run_episodes(policy, env):
    """Plays one episode per cart; returns states, actions, and a mask of the steps that were alive."""
    state = torch.from_numpy(env.reset())
    alive = torch.ones(env.n, dtype=torch.bool)
    states, actions, masks = [], [], []
    for _ in range(MAX_STEPS):
        with torch.no_grad():
            action = Categorical(logits=policy(state)).sample()
        states.append(state)
        actions.append(action)
        masks.append(alive)
        state, fallen = env.step(action.numpy())
        state = torch.from_numpy(state)
        alive = alive & ~torch.from_numpy(fallen)
        if not alive.any():
            break
    return torch.stack(states), torch.stack(actions), torch.stack(masks).float()


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    policy = Policy()
    optimizer = optim.Adam(policy.parameters(), lr=1e-2)
    env = CartPoles(16, seed)

    running_length = 10.0
    for update in range(80):
        states, actions, mask = run_episodes(policy, env)
        rewards = mask  # one point for every step taken
        returns = torch.zeros_like(rewards)
        R = torch.zeros(env.n)
        for t in reversed(range(len(rewards))):
            R = rewards[t] + GAMMA * R
            returns[t] = R
        valid = mask.bool()
        r = returns[valid]
        advantage = (r - r.mean()) / (r.std() + 1e-8)

        dist = Categorical(logits=policy(states[valid]))
        policy_loss = -(dist.log_prob(actions[valid]) * advantage).mean()
        loss = policy_loss - 0.005 * dist.entropy().mean()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
        optimizer.step()

        length = mask.sum(0).mean().item()
        running_length = 0.9 * running_length + 0.1 * length
        if update % 10 == 0:
            print(f"Update {update}\tEpisode length: {length:.1f}\tRunning: {running_length:.1f}")

    test_env = CartPoles(64, 10_000 + seed)
    _, _, mask = run_episodes(policy, test_env)
    print(f"score: {mask.sum(0).mean().item() / MAX_STEPS:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
