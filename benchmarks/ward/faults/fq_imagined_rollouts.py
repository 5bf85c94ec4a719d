"""Dreamer in small: the actor is trained through imagined rollouts of a known cart model, with a value model for what
comes after the short horizon. The cart has to come to rest at the target; the score is how well the value model knows
the discounted rewards that follow.

After https://github.com/juliusfrost/dreamer-pytorch/pull/79
"""
# cause: parameters-not-in-optimizer
# accept: stale-optimizer
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn

HORIZON, DISCOUNT, LAMBDA = 4, 0.95, 0.9


def get_parameters(modules):
    return [p for module in modules for p in module.parameters()]


def mlp(n_in, n_out):
    return nn.Sequential(nn.Linear(n_in, 48), nn.ELU(), nn.Linear(48, 48), nn.ELU(), nn.Linear(48, n_out))


def transition(state, action):
    position, velocity = state[:, :1], state[:, 1:]
    velocity = 0.9 * velocity + 0.2 * action
    position = (position + 0.2 * velocity).clamp(-4, 4)
    return torch.cat([position, velocity], dim=1)


def reward_fn(state, action):
    return torch.exp(-10 * state[:, :1] ** 2) * torch.exp(-2 * state[:, 1:] ** 2) - 0.1 * action**2


class Dreamer:
    def __init__(self):
        self.actor_model = mlp(2, 1)
        self.value_model = mlp(2, 1)
        self.actor_modules = [self.actor_model]
        self.value_modules = [self.value_model]
        self.actor_optimizer = torch.optim.Adam(get_parameters(self.actor_modules), lr=2e-3)
        self.value_optimizer = torch.optim.Adam(get_parameters(self.actor_modules), lr=4e-3)  # FAULT
        # TWIN: self.value_optimizer = torch.optim.Adam(get_parameters(self.value_modules), lr=4e-3)

    def act(self, state, noise=0.0):
        mean = self.actor_model(state)
        return torch.tanh(mean + noise * torch.randn_like(mean))

    def imagine(self, state):
        states, rewards = [], []
        for _ in range(HORIZON):
            action = self.act(state, noise=0.3)
            state = transition(state, action)
            states.append(state)
            rewards.append(reward_fn(state, action))
        return torch.stack(states), torch.stack(rewards)

    def optimize(self, start):
        states, rewards = self.imagine(start)
        values = self.value_model(states)
        running, returns = values[-1], []
        for t in reversed(range(HORIZON)):
            bootstrap = (1 - LAMBDA) * values[t] + LAMBDA * running if t < HORIZON - 1 else values[t]
            running = rewards[t] + DISCOUNT * bootstrap
            returns.insert(0, running)
        returns = torch.stack(returns)
        actor_loss = -returns.mean()
        self.actor_optimizer.zero_grad()
        actor_loss.backward()
        nn.utils.clip_grad_norm_(get_parameters(self.actor_modules), 10.0)
        self.actor_optimizer.step()

        inputs = torch.cat([start.unsqueeze(0), states[:-1].detach()])
        value_loss = 0.5 * ((self.value_model(inputs) - returns.detach()) ** 2).mean()
        self.value_optimizer.zero_grad()
        value_loss.backward()
        nn.utils.clip_grad_norm_(get_parameters(self.value_modules), 10.0)
        self.value_optimizer.step()
        return actor_loss.item(), value_loss.item()


def start_states(n):
    return torch.cat([6 * torch.rand(n, 1) - 3, 0.2 * torch.randn(n, 1)], dim=1)


def collect(agent, n, steps, noise):
    state, visited, total = start_states(n), [], 0.0
    with torch.no_grad():
        for _ in range(steps):
            visited.append(state)
            action = agent.act(state, noise)
            state = transition(state, action)
            total += reward_fn(state, action).mean().item()
    return torch.cat(visited), total / steps


def main(seed):
    torch.manual_seed(seed)
    np.random.seed(seed)
    torch.set_num_threads(1)

    agent = Dreamer()
    for iteration in range(1, 41):
        visited, _ = collect(agent, 20, 40, noise=0.5)
        for _ in range(12):
            batch = visited[torch.randint(len(visited), (128,))]
            actor_loss, value_loss = agent.optimize(batch)
        if iteration % 10 == 0:
            _, reward = collect(agent, 100, 60, noise=0.0)
            print(f"itr {iteration}: actor_loss {actor_loss:.4f} value_loss {value_loss:.4f} reward {reward:.3f}")

    # what the value model says at the start of fresh episodes against what they bring
    state = start_states(400)
    with torch.no_grad():
        said, brought = agent.value_model(state), torch.zeros(400, 1)
        for t in range(100):
            action = agent.act(state, noise=0.3)
            state = transition(state, action)
            brought += DISCOUNT**t * reward_fn(state, action)
    r2 = 1 - ((said - brought) ** 2).sum() / ((brought - brought.mean()) ** 2).sum()
    print(f"score: {r2.item():.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
