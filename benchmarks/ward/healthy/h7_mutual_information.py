"""Neural estimate of the mutual information of two correlated Gaussian vectors (Donsker-Varadhan bound, MINE): a
statistics network is trained to raise the bound on fresh samples; the score is minus the error against the formula.
"""

import math
import sys

import torch
import torch.nn as nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
DIM, RHO, STEPS, BATCH = 2, 0.75, 900, 512
TRUE_MI = -0.5 * DIM * math.log(1 - RHO**2)


def sample_pairs(n):
    x = torch.randn(n, DIM)
    y = RHO * x + math.sqrt(1 - RHO**2) * torch.randn(n, DIM)
    return x, y


class Statistics(nn.Module):
    def __init__(self, width=64):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(2 * DIM, width), nn.ELU(), nn.Linear(width, width), nn.ELU(), nn.Linear(width, 1)
        )

    def forward(self, x, y):
        return self.net(torch.cat([x, y], dim=1)).squeeze(1)


def lower_bound(critic, x, y):
    joint = critic(x, y).mean()
    shuffled = critic(x, y[torch.randperm(len(y))])
    return joint - (torch.logsumexp(shuffled, dim=0) - math.log(len(y)))


critic = Statistics()
optimizer = torch.optim.Adam(critic.parameters(), lr=2e-3)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
smoothed = 0.0
for step in range(1, STEPS + 1):
    loss = -lower_bound(critic, *sample_pairs(BATCH))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    scheduler.step()
    smoothed += 0.05 * (-loss.item() - smoothed)
    if step % 100 == 0:
        print(f"step {step:4d}  estimate (smoothed) {smoothed:.4f} nats, truth {TRUE_MI:.4f}")

with torch.no_grad():
    estimate = lower_bound(critic, *sample_pairs(20000)).item()
print(f"final estimate on fresh samples {estimate:.4f}, truth {TRUE_MI:.4f}")
print(f"score: {-abs(estimate - TRUE_MI):.4f}")
