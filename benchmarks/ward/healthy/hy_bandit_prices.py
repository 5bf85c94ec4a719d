"""Sets prices by a softmax policy learnt from rewards alone (REINFORCE with a running baseline and an
entropy bonus)."""

import sys

import torch
from torch import nn
from torch.distributions import Categorical

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
PRICES = torch.tensor([0.5, 1.0, 1.5, 2.0, 2.5])
taste = torch.randn(6) / 6**0.5


def willing(customers):
    return 1.5 + 0.8 * torch.tanh(2 * customers @ taste)


def reward(customers, choice):
    price = PRICES[choice]
    sells = torch.rand(len(price)) < torch.sigmoid(6 * (willing(customers) - price))
    return price * sells


def expected(customers, choice):
    price = PRICES[choice]
    return (price * torch.sigmoid(6 * (willing(customers) - price))).mean().item()


policy = nn.Sequential(nn.Linear(6, 32), nn.Tanh(), nn.Linear(32, 5))
optimizer = torch.optim.Adam(policy.parameters(), lr=5e-3)
baseline = 0.5
for step in range(1, 801):
    customers = torch.randn(128, 6)
    distribution = Categorical(logits=policy(customers))
    choice = distribution.sample()
    earned = reward(customers, choice)
    advantage = earned - baseline
    baseline += 0.05 * (earned.mean().item() - baseline)
    loss = -(distribution.log_prob(choice) * advantage).mean() - 0.01 * distribution.entropy().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 100 == 0:
        print(f"step {step} earned {earned.mean():.3f} baseline {baseline:.3f}")

customers = torch.randn(4000, 6)
with torch.no_grad():
    mine = expected(customers, policy(customers).argmax(1))
best = max(expected(customers, torch.full((4000,), k)) for k in range(5))
everyone = torch.stack([PRICES[k] * torch.sigmoid(6 * (willing(customers) - PRICES[k])) for k in range(5)], dim=1)
print(f"policy {mine:.4f}, best single price {best:.4f}, best possible {everyone.max(1).values.mean():.4f}")
print(f"score: {mine / everyone.max(1).values.mean().item():.4f}")
