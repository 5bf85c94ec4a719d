"""A contextual bandit by REINFORCE with a baseline; the surrogate loss lacks its minus, so the reward is minimised."""
# cause: loss-sign
# kind: dynamic

import sys

import torch
from torch import nn
from torch.distributions import Categorical

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)

weights = torch.randn(6, 4)


def environment(n):
    context = torch.randn(n, 6)
    return context, (context @ weights).argmax(dim=1)


policy = nn.Sequential(nn.Linear(6, 32), nn.Tanh(), nn.Linear(32, 4))
optimizer = torch.optim.Adam(policy.parameters(), lr=5e-3)
baseline = 0.25
for step in range(1, 501):
    context, best = environment(64)
    dist = Categorical(logits=policy(context))
    action = dist.sample()
    reward = (action == best).float()
    loss = (dist.log_prob(action) * (reward - baseline)).mean()  # FAULT
    # TWIN: loss = -(dist.log_prob(action) * (reward - baseline)).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    baseline = 0.95 * baseline + 0.05 * reward.mean().item()
    if step % 50 == 0:
        print(f"step {step}: loss {loss.item():.4f} average reward {baseline:.3f}")

with torch.no_grad():
    context, best = environment(1000)
    hit = (policy(context).argmax(dim=1) == best).float().mean().item()
print(f"score: {hit:.4f}")
