"""A generator of waiting times learns their distribution by the energy distance between its batch and one of the
data. Score: 1 - difference of quantiles.
"""

import sys

import torch
import torch.nn as nn

torch.set_num_threads(1)


def main(seed):
    torch.manual_seed(seed)
    data = torch.cat([1 + 0.3 * torch.randn(3000), 3 + 0.5 * torch.randn(3000)])
    net = nn.Sequential(nn.Linear(2, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 1))
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    for step in range(800):
        y = data[torch.randint(6000, (128,))]
        x = net(torch.randn(128, 2)).squeeze(1)
        apart = (x[:, None] - y[None]).abs().mean()
        within = (x[:, None] - x[None]).abs().mean()
        loss = 2 * apart - within
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    q = torch.linspace(0.05, 0.95, 19)
    with torch.no_grad():
        made = net(torch.randn(5000, 2)).squeeze(1)
    print(f"score: {1 - (made.quantile(q) - data.quantile(q)).abs().mean().item():.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
