"""When a water main bursts, from its age and make; most mains have not burst yet.

A normal distribution of the log of the years: its density for the burst mains, its upper tail for the others,
of which we only know how long they held.
"""

import sys

import numpy as np
import torch
from torch import nn

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
rng = np.random.default_rng(seed)


def mains(n):
    x = rng.normal(size=(n, 6))
    mean = 3.4 + 0.6 * np.tanh(1.5 * x[:, 0]) - 0.5 * x[:, 1] * (x[:, 2] > 0) + 0.3 * x[:, 3]
    log_years = mean + 0.3 * rng.normal(size=n)
    watched = np.log(rng.uniform(5, 60, size=n))
    seen = np.minimum(log_years, watched)
    return (torch.tensor(a, dtype=torch.float32) for a in (x, seen, log_years <= watched, log_years))


x, seen, burst, _ = mains(4000)
x_test, _, _, truth = mains(1000)
print(f"{100 * burst.mean().item():.0f}% of the mains have burst")

net = nn.Sequential(nn.Linear(6, 48), nn.GELU(), nn.Linear(48, 48), nn.GELU(), nn.Linear(48, 1))
log_scale = nn.Parameter(torch.zeros(()))
with torch.no_grad():
    net[-1].bias.fill_(seen.mean())
optimizer = torch.optim.AdamW([{"params": net.parameters()}, {"params": [log_scale], "weight_decay": 0.0}], lr=2e-3)
scheduler = torch.optim.lr_scheduler.LinearLR(optimizer, start_factor=1.0, end_factor=0.05, total_iters=25)

for epoch in range(25):
    total = 0.0
    for rows in torch.randperm(len(x)).split(80):
        z = (seen[rows] - net(x[rows]).squeeze(1)) * torch.exp(-log_scale)
        density = -0.5 * z**2 - log_scale - 0.9189
        tail = torch.special.log_ndtr(-z)
        loss = -torch.where(burst[rows] > 0, density, tail).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(rows) / len(x)
    scheduler.step()
    with torch.no_grad():
        r2 = 1 - ((net(x_test).squeeze(1) - truth) ** 2).mean().item() / truth.var().item()
    if epoch % 5 == 4:
        print(f"epoch {epoch + 1}: nll {total:.4f}  scale {log_scale.exp().item():.3f}  R2 of all {r2:.4f}")
print(f"score: {r2:.4f}")
