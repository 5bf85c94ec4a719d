"""Actor-critic for the cruise control of a truck: the actor chooses throttle or brake, the critic judges it, and a
physics term in the reward punishes deviation from the target speed and wasted force.

After https://github.com/KanishJebaMathewM/Truxify/pull/11885
"""
# cause: loss-sign
# kind: dynamic

import copy
import sys

import numpy as np
import torch
import torch.nn as nn

GAMMA = 0.9
TAU = 0.02


class Actor(nn.Module):
    def __init__(self, state_dim, action_dim):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(state_dim, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, action_dim), nn.Tanh()
        )

    def forward(self, state):
        return self.net(state)


class Critic(nn.Module):
    def __init__(self, state_dim, action_dim):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(state_dim + action_dim, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 1)
        )

    def forward(self, state, action):
        return self.net(torch.cat([state, action], dim=1))


class TruckEnv:
    """Many trucks at once. State: speed error, slope of the road, load; action in [-1, 1]."""

    def __init__(self, n):
        self.n = n
        self.reset()

    def reset(self):
        self.state = torch.rand(self.n, 3) * 2 - 1
        return self.state

    def step(self, action):
        error, slope, load = self.state.T
        mass = 1.0 + 0.5 * load
        force = action[:, 0] - 0.4 * slope
        new_error = error + 0.3 * force / mass
        reward = -(new_error**2) - 0.02 * action[:, 0] ** 2
        new_slope = (0.9 * slope + 0.2 * torch.randn(self.n)).clamp(-1, 1)
        self.state = torch.stack([new_error.clamp(-2, 2), new_slope, load], dim=1)
        return self.state, reward.unsqueeze(1)


def evaluate(actor):
    env = TruckEnv(200)
    state, total = env.reset(), 0.0
    with torch.no_grad():
        for _ in range(25):
            state, reward = env.step(actor(state))
            total += reward.mean().item()
    return total / 25


def main(seed):
    torch.manual_seed(seed)
    np.random.seed(seed)
    torch.set_num_threads(1)

    actor, critic = Actor(3, 1), Critic(3, 1)
    actor_target, critic_target = copy.deepcopy(actor), copy.deepcopy(critic)
    actor_optimizer = torch.optim.Adam(actor.parameters(), lr=2e-3)
    critic_optimizer = torch.optim.Adam(critic.parameters(), lr=3e-3)

    env = TruckEnv(64)
    memory = []
    for update in range(1, 601):
        if update % 25 == 1:
            state = env.reset()
        with torch.no_grad():
            action = (actor(state) + 0.3 * torch.randn(64, 1)).clamp(-1, 1)
        next_state, reward = env.step(action)
        memory.append((state, action, reward, next_state))
        state = next_state

        picks = np.random.randint(0, len(memory), size=4)
        s, a, r, s2 = (torch.cat(parts) for parts in zip(*[memory[i] for i in picks]))

        with torch.no_grad():
            target = r + GAMMA * critic_target(s2, actor_target(s2))
        critic_loss = nn.functional.mse_loss(critic(s, a), target)
        critic_optimizer.zero_grad()
        critic_loss.backward()
        critic_optimizer.step()

        q_values = critic(s, actor(s))
        actor_loss = q_values.mean()  # FAULT
        # TWIN: actor_loss = -q_values.mean()
        actor_optimizer.zero_grad()
        actor_loss.backward()
        actor_optimizer.step()

        with torch.no_grad():
            for net, slow in ((actor, actor_target), (critic, critic_target)):
                for p, p_slow in zip(net.parameters(), slow.parameters()):
                    p_slow.lerp_(p, TAU)
        if update % 100 == 0:
            print(
                f"update {update}: critic loss {critic_loss.item():.4f}, actor loss {actor_loss.item():.4f}, "
                f"reward per step {evaluate(actor):.3f}"
            )

    print(f"score: {evaluate(actor):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
