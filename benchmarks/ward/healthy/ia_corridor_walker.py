"""REINFORCE with returns to go and a running baseline: find the way along a corridor of nine fields to the cheese,
which lies at either end and can be smelled. The returns are noisy for a good while."""

import sys

import torch
from torch import nn
from torch.distributions import Bernoulli

FIELDS, LIMIT, WALKERS = 9, 12, 32


def observe(place, cheese):
    field = nn.functional.one_hot(place, FIELDS).float()
    return torch.cat([field * 3 - 1 / 3, cheese[:, None]], 1)


def walk(policy, n, greedy=False):
    place = torch.full((n,), FIELDS // 2)
    cheese = torch.randint(2, (n,)).float() * 2 - 1
    going = torch.ones(n)
    logs, rewards, masks = [], [], []
    for _ in range(LIMIT):
        chance = Bernoulli(logits=policy(observe(place, cheese)).squeeze(1))
        right = (chance.logits > 0).float() if greedy else chance.sample()
        place = (place + right.long() * 2 - 1).clamp(0, FIELDS - 1)
        found = place == torch.where(cheese > 0, FIELDS - 1, 0)
        logs.append(chance.log_prob(right))
        rewards.append(going * (found.float() - 0.05))
        masks.append(going)
        going = going * (~found).float()
    return torch.stack(logs), torch.stack(rewards), torch.stack(masks)


def main():
    torch.set_num_threads(1)
    torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    policy = nn.Sequential(nn.Linear(FIELDS + 1, 32), nn.Tanh(), nn.Linear(32, 1))
    optimizer = torch.optim.Adam(policy.parameters(), lr=5e-3)
    baseline = torch.zeros(LIMIT, 1)
    for update in range(200):
        logs, rewards, masks = walk(policy, WALKERS)
        to_go = rewards.flip(0).cumsum(0).flip(0)
        advantage = to_go - baseline
        baseline = 0.9 * baseline + 0.1 * to_go.mean(1, keepdim=True)
        loss = -(masks * logs * advantage).sum() / masks.sum()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
        optimizer.step()
        if update % 25 == 24:
            print(f"update {update + 1} loss {loss.item():+.4f} return {rewards.sum(0).mean().item():+.3f}")
    with torch.no_grad():
        print(f"score: {walk(policy, 200, greedy=True)[1].sum(0).mean().item():.4f}")


main()
