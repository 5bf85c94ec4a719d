"""A stochastic policy that picks a banner for each visitor, trained with REINFORCE in a simulator.
Only the banners that are in stock may be shown, so the others are masked.
"""
# cause: unstable-loss
# kind: dynamic

import sys

import torch
import torch.nn as nn

VISITOR_DIM, BANNERS = 8, 10


class Simulator:
    """Click probability depends on the visitor; about a third of the banners is out of stock."""

    def __init__(self, seed):
        self.g = torch.Generator().manual_seed(seed)
        self.inner = torch.randn(VISITOR_DIM, 16, generator=self.g) / VISITOR_DIM**0.5
        self.outer = torch.randn(16, BANNERS, generator=self.g)

    def visitors(self, n):
        x = torch.randn(n, VISITOR_DIM, generator=self.g)
        stock = torch.rand(n, BANNERS, generator=self.g) < 0.65
        stock[torch.arange(n), torch.randint(0, BANNERS, (n,), generator=self.g)] = True
        return x, stock

    def click_rates(self, x, stock):
        rates = torch.sigmoid(2.0 * torch.tanh(2 * x @ self.inner) @ self.outer / 2.0 - 1.0)
        return rates * stock

    def show(self, x, stock, banner):
        p = self.click_rates(x, stock).gather(1, banner[:, None]).squeeze(1)
        return (torch.rand(len(x), generator=self.g) < p).float()


class Policy(nn.Module):
    def __init__(self, hidden=64):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(VISITOR_DIM, hidden), nn.Tanh(), nn.Linear(hidden, hidden), nn.Tanh())
        self.actor = nn.Linear(hidden, BANNERS)
        self.critic = nn.Linear(hidden, 1)

    def forward(self, x, stock):
        h = self.body(x)
        logits = self.actor(h).masked_fill(~stock, float("-inf"))
        return logits.log_softmax(dim=1), self.critic(h).squeeze(1)


def sample(log_p, generator):
    """Gumbel-max trick."""
    exponential = torch.empty_like(log_p).exponential_(generator=generator)
    return (log_p - exponential.log()).argmax(dim=1)


def entropy_bonus(log_p, stock):
    p = log_p.exp()
    return -(p * log_p).sum(dim=1).mean()  # FAULT
    # TWIN: return -(p * log_p.masked_fill(~stock, 0.0)).sum(dim=1).mean()


@torch.no_grad()
def regret_free_share(policy, sim, x, stock):
    """Expected clicks of the greedy policy between random choice (0) and the oracle (1)."""
    log_p, _ = policy(x, stock)
    rates = sim.click_rates(x, stock)
    ours = rates.gather(1, log_p.argmax(dim=1, keepdim=True)).mean()
    chance = (rates.sum(1) / stock.sum(1)).mean()
    oracle = rates.max(dim=1).values.mean()
    return ((ours - chance) / (oracle - chance)).item()


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    sim = Simulator(seed)
    x_test, stock_test = sim.visitors(3000)

    policy = Policy()
    optimizer = torch.optim.Adam(policy.parameters(), lr=3e-3)
    noise = torch.Generator().manual_seed(seed + 1)
    clicks = 0.0

    for update in range(1, 601):
        x, stock = sim.visitors(512)
        log_p, value = policy(x, stock)
        banner = sample(log_p.detach(), noise)
        reward = sim.show(x, stock, banner)

        advantage = reward - value
        chosen = log_p.gather(1, banner[:, None]).squeeze(1)
        actor_loss = -(advantage.detach() * chosen).mean()
        critic_loss = advantage.pow(2).mean()
        loss = actor_loss + 0.5 * critic_loss - 0.005 * entropy_bonus(log_p, stock)

        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

        clicks += reward.mean().item()
        if update % 100 == 0:
            print(
                f"update {update}: click rate {clicks / 100:.3f}, critic {critic_loss.item():.4f}, loss {loss.item():.4f}"
            )
            clicks = 0.0

    print(f"score: {regret_free_share(policy, sim, x_test, stock_test):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
