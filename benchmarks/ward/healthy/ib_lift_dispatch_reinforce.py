"""Sends one of four lifts to a call by policy gradient. The reward is minus the waiting time, a running mean of it is
subtracted; the surrogate loss wanders about zero while the waiting falls."""

import sys

import torch
from torch import nn

FLOORS = 10.0


def calls(n):
    floor = torch.rand(n, 1) * FLOORS
    lifts = torch.rand(n, 4) * FLOORS
    load = torch.rand(n, 4)
    return torch.cat([floor, lifts], 1) / FLOORS * 2 - 1, load * 2 - 1


def waiting(state, load, action):
    gap = (state[:, 1:] - state[:, :1]).abs() * FLOORS / 2
    cost = gap + 2 * (load + 1)
    return cost.gather(1, action.unsqueeze(1)).squeeze(1), cost.min(1).values, cost.mean(1)


class Dispatcher(nn.Module):
    """Looks at every lift with the same eyes."""

    def __init__(self):
        super().__init__()
        self.look = nn.Sequential(nn.Linear(3, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1))

    def forward(self, state, load):
        pair = torch.stack([state[:, :1].expand(-1, 4), state[:, 1:], load], dim=2)
        return torch.distributions.Categorical(logits=self.look(pair).squeeze(2))


torch.set_num_threads(1)
torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
policy = Dispatcher()
optimizer = torch.optim.Adam(policy.parameters(), lr=6e-3)
baseline = None
for step in range(600):
    state, load = calls(128)
    choice = policy(state, load)
    action = choice.sample()
    reward = -waiting(state, load, action)[0]
    baseline = reward.mean() if baseline is None else 0.9 * baseline + 0.1 * reward.mean()
    advantage = (reward - baseline) / 2
    loss = -(advantage * choice.log_prob(action)).mean() - 0.005 * choice.entropy().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 60 == 0:
        print(f"step {step} loss {loss.item():+.4f} mean reward {reward.mean().item():.3f}")
state, load = calls(4000)
with torch.no_grad():
    waited, best, blind = waiting(state, load, policy(state, load).probs.argmax(1))
print(f"score: {1 - ((waited - best).mean() / (blind - best).mean()).item():.4f}")
