"""Lifetimes of pumps, some still running, by Cox's partial likelihood: risks are expanded to risk sets (N, N). Score:
concordance.
"""

import sys

import torch
import torch.nn as nn

torch.set_num_threads(1)


def cox(risk, time, seen):
    n = len(risk)
    sets = risk.view(1, n).expand(n, n).masked_fill(time[None] < time[:, None], -1e9)
    return -((risk - sets.logsumexp(1)) * seen).sum() / seen.sum()


def main(seed):
    torch.manual_seed(seed)
    x = torch.randn(1500, 6)
    hazard = torch.exp(x[:, 0] + 0.8 * x[:, 1] * x[:, 2])
    time, until = torch.empty(1500).exponential_() / hazard, torch.empty(1500).exponential_(0.3)
    seen, time = (time <= until).float(), torch.minimum(time, until)
    net = nn.Sequential(nn.Linear(6, 48), nn.ReLU(), nn.Linear(48, 1))
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    for epoch in range(25):
        for rows in torch.randperm(1100).split(100):
            loss = cox(net(x[rows]).squeeze(1), time[rows], seen[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    with torch.no_grad():
        risk, time, seen = net(x[1100:]).squeeze(1), time[1100:], seen[1100:]
    known = (time[:, None] < time[None]) & (seen[:, None] > 0)
    print(f"score: {(risk[:, None] > risk[None])[known].float().mean().item():.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
