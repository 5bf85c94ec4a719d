"""REINFORCE with a learned baseline on a continuous control task: a two-dimensional point mass is to be pushed to the origin
and held there. The score is the mean reward per step of the deterministic policy on fresh episodes.

After https://github.com/pytorch/rl/issues/1243
"""
# cause: broadcast-loss
# kind: dynamic

import sys

import torch
import torch.nn as nn
from torch.distributions import Independent, Normal

HORIZON = 15
GAMMA = 0.9


class PointMass:
    """A batch of point masses; the observation is position and velocity, the action a force."""

    def __init__(self, num_envs):
        self.num_envs = num_envs

    def reset(self):
        self.position = torch.rand(self.num_envs, 2) * 2 - 1
        self.velocity = torch.zeros(self.num_envs, 2)
        return torch.cat([self.position, self.velocity], dim=1)

    def step(self, action):
        force = action.clamp(-1, 1)
        self.velocity = 0.6 * self.velocity + 0.3 * force
        self.position = (self.position + self.velocity).clamp(-2, 2)
        reward = -self.position.pow(2).sum(1, keepdim=True) - 0.02 * force.pow(2).sum(1, keepdim=True)
        return torch.cat([self.position, self.velocity], dim=1), reward


class Actor(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 2))
        self.log_std = nn.Parameter(torch.full((2,), -0.7))

    def forward(self, observation):
        return Independent(Normal(self.net(observation), self.log_std.exp()), 1)


def rollout(env, actor):
    observations, actions, rewards = [], [], []
    observation = env.reset()
    with torch.no_grad():
        for _ in range(HORIZON):
            action = actor(observation).sample()
            observations.append(observation)
            actions.append(action)
            observation, reward = env.step(action)
            rewards.append(reward)
    returns, running = [], torch.zeros_like(rewards[0])
    for reward in reversed(rewards):
        running = reward + GAMMA * running
        returns.insert(0, running)
    mean_reward = torch.cat(rewards).mean().item()
    return torch.cat(observations), torch.cat(actions), torch.cat(returns), mean_reward


def evaluate(actor):
    env = PointMass(256)
    observation = env.reset()
    total = 0.0
    with torch.no_grad():
        for _ in range(HORIZON):
            observation, reward = env.step(actor(observation).mean)
            total += reward.mean().item()
    return total / HORIZON


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    env, actor = PointMass(32), Actor()
    critic = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 1))
    actor_optimizer = torch.optim.Adam(actor.parameters(), lr=0.01)
    critic_optimizer = torch.optim.Adam(critic.parameters(), lr=0.01)

    for update in range(200):
        observation, action, target, mean_reward = rollout(env, actor)

        value = critic(observation)
        critic_loss = nn.functional.mse_loss(value, target)
        critic_optimizer.zero_grad()
        critic_loss.backward()
        critic_optimizer.step()

        advantage = target - value.detach()
        advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-6)
        log_prob = actor(observation).log_prob(action)
        actor_loss = -(log_prob * advantage).mean()  # FAULT
        # TWIN: actor_loss = -(log_prob.unsqueeze(-1) * advantage).mean()
        actor_optimizer.zero_grad()
        actor_loss.backward()
        actor_optimizer.step()

        if update % 40 == 39:
            print(f"update {update + 1}: reward per step {mean_reward:.3f}, critic loss {critic_loss.item():.3f}")

    print(f"score: {evaluate(actor):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
