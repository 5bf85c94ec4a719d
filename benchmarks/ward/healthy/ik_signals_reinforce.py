"""Lights of a crossing by REINFORCE: sixty-four simulated crossings in parallel, two queues each, a loss of time at
every switch. The loss printed is a surrogate and says little; the queues do. Score: waiting against a fixed cycle.
"""

import sys

import torch
from torch import nn
from torch.distributions import Bernoulli

torch.set_num_threads(1)
STEPS, FLEET = 50, 64


class Crossing:
    def __init__(self, n):
        self.queues = torch.randint(0, 8, (n, 2)).float()
        self.green = torch.zeros(n, dtype=torch.long)
        self.since = torch.zeros(n)
        self.rates = torch.stack([0.3 + 0.9 * torch.rand(n), 0.2 + 0.5 * torch.rand(n)], 1)

    def state(self):
        rows = torch.arange(len(self.green))
        mine, other = self.queues[rows, self.green], self.queues[rows, 1 - self.green]
        return torch.stack([mine / 10, other / 10, (mine - other) / 10, self.since / 5, (mine == 0).float()], 1)

    def step(self, switch):
        rows = torch.arange(len(self.green))
        self.green = torch.where(switch, 1 - self.green, self.green)
        self.since = torch.where(switch, torch.zeros_like(self.since), self.since + 1)
        capacity = torch.where(switch, 0.0, 3.0)
        self.queues = self.queues + torch.poisson(self.rates)
        self.queues[rows, self.green] = (self.queues[rows, self.green] - capacity).clamp(min=0)
        self.queues.clamp_(max=40)
        return -self.queues.sum(1) / 10


def episode(policy, n):
    world, log_p, entropy, rewards = Crossing(n), [], [], []
    for _ in range(STEPS):
        choice = Bernoulli(logits=policy(world.state()).squeeze(1))
        action = choice.sample()
        log_p.append(choice.log_prob(action))
        entropy.append(choice.entropy())
        rewards.append(world.step(action.bool()))
    return torch.stack(log_p), torch.stack(entropy), torch.stack(rewards)


@torch.no_grad()
def waiting(rule, n=400):
    torch.manual_seed(12345)
    world, total = Crossing(n), 0.0
    for t in range(STEPS):
        total -= world.step(rule(world.state(), t)).mean().item()
    return total / STEPS


def main(seed):
    torch.manual_seed(seed)
    policy = nn.Sequential(nn.Linear(5, 32), nn.Tanh(), nn.Linear(32, 1))
    nn.init.constant_(policy[-1].bias, -1.0)
    optimizer = torch.optim.Adam(policy.parameters(), lr=1e-2)
    for update in range(120):
        log_p, entropy, rewards = episode(policy, FLEET)
        returns = torch.zeros_like(rewards)
        future = torch.zeros(FLEET)
        for t in reversed(range(STEPS)):
            future = rewards[t] + 0.93 * future
            returns[t] = future
        advantage = returns - returns.mean(1, keepdim=True)
        advantage = advantage / (advantage.std() + 1e-6)
        loss = -(log_p * advantage).mean() - 0.005 * entropy.mean()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(policy.parameters(), 0.5)
        optimizer.step()
        if update % 20 == 0:
            print(f"update {update} surrogate {loss.item():+.4f} mean reward {rewards.mean().item():.3f}")
    policy.eval()
    ours = waiting(lambda s, t: policy(s).squeeze(1) > 0)
    fixed = min(waiting(lambda s, t, k=k: torch.full((len(s),), t % k == k - 1)) for k in (3, 4, 5, 6, 8))
    print(f"queues under the policy {ours:.3f}, under the best fixed cycle {fixed:.3f}")
    print(f"score: {1 - ours / fixed:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
