"""Imitation of a linear-quadratic expert on the cart-pole: behaviour cloning first, then DAgger rounds with relabelling.

After homework 1 of Berkeley's CS 285, https://github.com/berkeleydeeprlcourse/homework_fall2023 (MLP policy, aggregation).
"""

import sys

import numpy as np
import torch
from torch import nn

GRAVITY, M_CART, M_POLE, LENGTH, DT, HORIZON = 9.8, 1.0, 0.1, 0.5, 0.02, 250


def dynamics(s, force):
    """One step for many cart-poles at once; s holds position, velocity, angle, angular velocity."""
    x, v, a, w = s.T
    sin, cos = np.sin(a), np.cos(a)
    temp = (force + M_POLE * LENGTH * w**2 * sin) / (M_CART + M_POLE)
    acc_a = (GRAVITY * sin - cos * temp) / (LENGTH * (4 / 3 - M_POLE * cos**2 / (M_CART + M_POLE)))
    acc_x = temp - M_POLE * LENGTH * acc_a * cos / (M_CART + M_POLE)
    return np.stack([x + DT * v, v + DT * acc_x, a + DT * w, w + DT * acc_a], axis=1)


def lqr_gain():
    eps, zero = 1e-5, np.zeros((1, 4))
    base = dynamics(zero, np.zeros(1))
    A = np.stack([(dynamics(zero + eps * np.eye(4)[i], np.zeros(1)) - base)[0] / eps for i in range(4)], axis=1)
    B = ((dynamics(zero, np.full(1, eps)) - base)[0] / eps)[:, None]
    Q, R, P = np.diag([1.0, 0.1, 5.0, 0.1]), np.array([[0.05]]), np.eye(4)
    for _ in range(2000):
        K = np.linalg.solve(R + B.T @ P @ B, B.T @ P @ A)
        P = Q + A.T @ P @ (A - B @ K)
    return K


class MLPPolicy(nn.Module):
    def __init__(self, obs_dim, act_dim, size=64):
        super().__init__()
        self.register_buffer("mean", torch.zeros(obs_dim))
        self.register_buffer("std", torch.ones(obs_dim))
        self.net = nn.Sequential(
            nn.Linear(obs_dim, size), nn.Tanh(), nn.Linear(size, size), nn.Tanh(), nn.Linear(size, act_dim)
        )

    def set_normalizer(self, obs):
        self.mean.copy_(obs.mean(0))
        self.std.copy_(obs.std(0) + 1e-6)

    def forward(self, obs):
        return self.net((obs - self.mean) / self.std).squeeze(-1)

    @torch.no_grad()
    def get_action(self, obs):
        return 10.0 * self(torch.tensor(obs, dtype=torch.float32)).numpy()


def rollouts(act, n, rng, noise=0.0):
    """Pushes at random disturb the pole; an episode is over when the pole falls or the cart leaves the track."""
    state = rng.uniform(-1, 1, size=(n, 4)) * np.array([1.0, 0.5, 0.2, 0.5])
    alive, visited, steps = np.ones(n, dtype=bool), [], np.zeros(n)
    for _ in range(HORIZON):
        visited.append(state[alive])
        steps[alive] += 1
        force = np.clip(act(state) + noise * rng.normal(size=n), -10, 10)
        state = dynamics(state, force)
        kicked = rng.random(n) < 0.02
        state[kicked, 3] += rng.normal(0, 0.7, size=kicked.sum())
        alive &= (np.abs(state[:, 2]) < 0.35) & (np.abs(state[:, 0]) < 2.4)
    return np.concatenate(visited), steps


def fit(policy, optimizer, obs, actions, n_steps, batch_size=128):
    policy.train()
    losses = []
    for _ in range(n_steps):
        idx = torch.randint(0, len(obs), (batch_size,))
        loss = nn.functional.mse_loss(policy(obs[idx]), actions[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    policy.eval()
    return np.mean(losses[-50:])


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    K = lqr_gain()
    expert = lambda s: np.clip(-(s @ K.T)[:, 0], -10, 10)

    observations, _ = rollouts(expert, 1, rng)
    policy = MLPPolicy(4, 1)
    optimizer = torch.optim.Adam(policy.parameters(), lr=2e-3)
    for iteration in range(6):
        if iteration > 0:  # DAgger: states of the policy, actions of the expert
            observations = np.concatenate([observations, rollouts(policy.get_action, 2, rng)[0]])
        obs = torch.tensor(observations, dtype=torch.float32)
        actions = torch.tensor(expert(observations) / 10.0, dtype=torch.float32)
        if iteration == 0:
            policy.set_normalizer(obs)
        loss = fit(policy, optimizer, obs, actions, n_steps=200)
        _, steps = rollouts(policy.get_action, 20, np.random.default_rng(seed + 500))
        print(
            f"iteration {iteration}: {len(obs):5d} pairs, loss {loss:.5f}, mean episode length {steps.mean():.1f} of {HORIZON}"
        )

    test = seed + 1000
    _, policy_steps = rollouts(policy.get_action, 50, np.random.default_rng(test))
    _, expert_steps = rollouts(expert, 50, np.random.default_rng(test))
    _, idle_steps = rollouts(lambda s: np.zeros(len(s)), 50, np.random.default_rng(test))
    print(f"expert {expert_steps.mean():.1f}, no action {idle_steps.mean():.1f}, policy {policy_steps.mean():.1f}")
    print(f"score: {policy_steps.mean() / expert_steps.mean():.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
