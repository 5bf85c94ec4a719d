"""A kiosk learns five prices by REINFORCE with a baseline; it sees hour, heat and stock and earns the margin."""

import sys

import torch
from torch import nn
from torch.distributions import Categorical

torch.set_num_threads(1)
torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
PRICES = torch.tensor([1.0, 1.5, 2.0, 2.5, 3.0])
UPDATES, CUSTOMERS = 900, 256


def situations(n):
    return 2 * torch.rand(n, 3) - 1


def expected_profit(state):
    """Chance of a sale times the margin, for each price."""
    hour, heat, stock = state.T
    patience = 2.0 + 1.2 * heat - 0.6 * hour * stock + 0.4 * torch.cos(3 * hour)
    return torch.sigmoid(4 * (patience[:, None] - PRICES)) * (PRICES - 0.5)


policy = nn.Sequential(nn.Linear(3, 64), nn.Tanh(), nn.Linear(64, len(PRICES)))
baseline = nn.Sequential(nn.Linear(3, 32), nn.Tanh(), nn.Linear(32, 1), nn.Flatten(0))
policy_optimizer = torch.optim.Adam(policy.parameters(), lr=1e-2)
baseline_optimizer = torch.optim.Adam(baseline.parameters(), lr=1e-2)

test_state = situations(2000)
profit = expected_profit(test_state)
best, uniform = profit.max(1).values.mean().item(), profit.mean().item()


def share_of_best():
    with torch.no_grad():
        chosen = policy(test_state).argmax(1)
    earned = profit[torch.arange(len(chosen)), chosen].mean().item()
    return (earned - uniform) / (best - uniform)


for update in range(1, UPDATES + 1):
    state = situations(CUSTOMERS)
    choice = Categorical(logits=policy(state))
    action = choice.sample()
    margin = PRICES[action] - 0.5
    chance = expected_profit(state)[torch.arange(CUSTOMERS), action] / margin
    reward = margin * (torch.rand(CUSTOMERS) < chance).float()

    value = baseline(state)
    value_loss = nn.functional.mse_loss(value, reward)
    baseline_optimizer.zero_grad()
    value_loss.backward()
    baseline_optimizer.step()

    advantage = reward - value.detach()
    policy_loss = -(advantage * choice.log_prob(action)).mean() - 0.03 * choice.entropy().mean()
    policy_optimizer.zero_grad()
    policy_loss.backward()
    policy_optimizer.step()
    if update % 100 == 0:
        print(f"update {update}: mean reward {reward.mean().item():.3f}, share of the best {share_of_best():.3f}")
print(f"score: {share_of_best():.4f}")
