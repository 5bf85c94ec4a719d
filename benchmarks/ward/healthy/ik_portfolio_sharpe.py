"""Weights of a portfolio of eight funds from their signals, by raising the Sharpe ratio itself: the loss is minus the
yearly ratio over a run of 250 days, negative from early on and of no natural zero. Long-only weights by a softmax.
"""

import sys

import torch
from torch import nn

torch.set_num_threads(1)
ASSETS, DAYS, RUN = 8, 6000, 250


def market(gen):
    """Returns of each day, and a noisy signal seen the evening before of each fund's drift."""
    drift = torch.zeros(DAYS, ASSETS)
    for t in range(1, DAYS):
        drift[t] = 0.95 * drift[t - 1] + 0.3 * torch.randn(ASSETS, generator=gen)
    volatility = 0.006 + 0.012 * torch.rand(ASSETS, generator=gen)
    common = 0.004 * torch.randn(DAYS, 1, generator=gen)
    returns = 0.0002 + volatility * (0.12 * drift + torch.randn(DAYS, ASSETS, generator=gen)) + common
    signals = torch.stack([drift + 0.7 * torch.randn(DAYS, ASSETS, generator=gen) for _ in range(2)], -1)
    return signals.flatten(1), returns


class Allocator(nn.Module):
    def __init__(self):
        super().__init__()
        self.shared = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 1))
        self.tilt = nn.Parameter(torch.zeros(ASSETS))

    def forward(self, signals):
        scores = self.shared(signals.view(*signals.shape[:-1], ASSETS, 2)).squeeze(-1)
        return torch.softmax(scores + self.tilt, -1)


def sharpe(weights, returns):
    earned = (weights * returns).sum(-1)
    return earned.mean(-1) / (earned.std(-1) + 1e-6) * 252**0.5


def main(seed):
    gen = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    signals, returns = market(gen)
    cut_a, cut_b = 4000, 5000
    model = Allocator()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    best, kept = -float("inf"), None
    for step in range(1, 601):
        starts = torch.randint(0, cut_a - RUN, (8,), generator=gen)
        rows = starts[:, None] + torch.arange(RUN)
        loss = -sharpe(model(signals[rows]), returns[rows]).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 50 == 0:
            with torch.no_grad():
                valid = sharpe(model(signals[cut_a:cut_b]), returns[cut_a:cut_b]).item()
            if valid > best:
                best, kept = valid, {k: v.clone() for k, v in model.state_dict().items()}
            print(f"step {step} loss {loss.item():.3f} valid sharpe {valid:.3f}")
    model.load_state_dict(kept)
    with torch.no_grad():
        ours = sharpe(model(signals[cut_b:]), returns[cut_b:]).item()
        equal = sharpe(torch.full((ASSETS,), 1 / ASSETS), returns[cut_b:]).item()
    print(f"equal weights: {equal:.3f}")
    print(f"score: {ours:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
