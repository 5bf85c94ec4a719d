"""Policy gradient for choosing one of five adverts for a visitor (a contextual bandit). The objective, reward times the
log-probability of the choice, is minimised as it stands: the minus sign is missing."""
# cause: loss-sign
# kind: dynamic

import sys

import torch
from torch import nn
from torch.distributions import Categorical


class Adverts:
    def __init__(self, n_features=6, n_actions=5, seed=0):
        self.gen = torch.Generator().manual_seed(seed)
        self.taste = torch.randn(n_features, n_actions, generator=self.gen)

    def visitors(self, n):
        return torch.randn(n, self.taste.shape[0], generator=self.gen)

    def click_rate(self, x):
        return torch.sigmoid(1.5 * x @ self.taste - 1.0)

    def clicks(self, x, action):
        rate = self.click_rate(x).gather(1, action.unsqueeze(1)).squeeze(1)
        return (torch.rand(len(x), generator=self.gen) < rate).float()


def main():
    torch.set_num_threads(1)
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    env = Adverts(seed=seed)
    policy = nn.Sequential(nn.Linear(6, 32), nn.Tanh(), nn.Linear(32, 5))
    optimizer = torch.optim.Adam(policy.parameters(), lr=5e-3)
    baseline = 0.0
    for it in range(1, 601):
        x = env.visitors(128)
        dist = Categorical(logits=policy(x))
        action = dist.sample()
        reward = env.clicks(x, action)
        advantage = reward - baseline
        loss = (dist.log_prob(action) * advantage).mean()  # FAULT
        # TWIN: loss = -(dist.log_prob(action) * advantage).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        baseline = 0.95 * baseline + 0.05 * reward.mean().item()
        if it % 100 == 0:
            print(f"iteration {it}: loss {loss.item():.4f} clicks per visit {reward.mean().item():.3f}")

    x = env.visitors(2000)
    with torch.no_grad():
        rate = env.click_rate(x).gather(1, policy(x).argmax(1, keepdim=True)).mean().item()
    print(f"score: {rate:.4f}")


if __name__ == "__main__":
    main()
