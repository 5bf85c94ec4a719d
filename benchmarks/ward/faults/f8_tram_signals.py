"""Learns by trial which of five signal plans suits the traffic at a tram crossing (REINFORCE with a learned baseline).
The loss was first written for a library that maximizes its objective."""
# cause: loss-sign
# kind: dynamic

import sys
from dataclasses import dataclass

import torch
import torch.nn as nn
from torch.distributions import Categorical


@dataclass
class Config:
    features: int = 12
    plans: int = 5
    batch: int = 64
    updates: int = 500
    lr: float = 3e-3
    entropy: float = 0.01


class Crossing:
    """Each plan has a traffic it is made for; the reward is how well the plan fits, with noise."""

    def __init__(self, cfg):
        self.cfg = cfg
        self.best = torch.randn(cfg.plans, cfg.features) / cfg.features**0.5

    def observe(self, n):
        return torch.randn(n, self.cfg.features)

    def reward(self, traffic, plan, noise=0.2):
        fit = (traffic * self.best[plan]).sum(1)
        return fit + noise * torch.randn(len(plan))

    def regret(self, traffic, plan):
        fit = traffic @ self.best.T
        return (fit.max(1).values - fit.gather(1, plan[:, None]).squeeze(1)).mean().item()


class Policy(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(cfg.features, 48), nn.Tanh())
        self.actor = nn.Linear(48, cfg.plans)
        self.critic = nn.Linear(48, 1)

    def forward(self, traffic):
        hidden = self.trunk(traffic)
        return Categorical(logits=self.actor(hidden)), self.critic(hidden).squeeze(1)


def train(cfg, crossing):
    policy = Policy(cfg)
    optimizer = torch.optim.Adam(policy.parameters(), lr=cfg.lr)
    for update in range(cfg.updates):
        traffic = crossing.observe(cfg.batch)
        chance, value = policy(traffic)
        plan = chance.sample()
        reward = crossing.reward(traffic, plan)
        advantage = reward - value.detach()
        actor_loss = (chance.log_prob(plan) * advantage).mean()  # FAULT
        # TWIN: actor_loss = -(chance.log_prob(plan) * advantage).mean()
        critic_loss = 0.5 * (reward - value).pow(2).mean()
        loss = actor_loss + critic_loss - cfg.entropy * chance.entropy().mean()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
        optimizer.step()
        if update % 50 == 0:
            print(f"update {update} loss {loss.item():+.4f} reward {reward.mean().item():+.3f}")
    return policy


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    cfg = Config()
    crossing = Crossing(cfg)
    policy = train(cfg, crossing)
    with torch.no_grad():
        traffic = crossing.observe(2000)
        choice = policy(traffic)[0].probs.argmax(1)
    print(f"score: {-crossing.regret(traffic, choice):.4f}")
