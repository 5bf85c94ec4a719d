"""A pointer network: of twelve points on the plane, point at the one nearest to the query. The answer is a
distribution over the input positions, so sets of any size can be read; at test time they have twenty points.
"""

import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)


class Pointer(nn.Module):
    """Additive attention of the query over encoded points, with no values: the weights are the answer."""

    def __init__(self, hidden=48):
        super().__init__()
        self.points = nn.Sequential(nn.Linear(2, hidden), nn.ReLU(), nn.Linear(hidden, hidden))
        self.query = nn.Sequential(nn.Linear(2, hidden), nn.ReLU(), nn.Linear(hidden, hidden))
        self.score = nn.Sequential(nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, 1))

    def forward(self, points, query):
        mixed = self.points(points) + self.query(query).unsqueeze(1)
        return self.score(mixed).squeeze(-1)


def batch_of(n, count):
    points, query = torch.rand(n, count, 2) * 2 - 1, torch.rand(n, 2) * 2 - 1
    nearest = torch.cdist(query.unsqueeze(1), points).squeeze(1).argmin(1)
    return points, query, nearest


def run(seed):
    torch.manual_seed(seed)
    net = Pointer()
    optimizer = torch.optim.AdamW(net.parameters(), lr=6e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=6e-3, total_steps=700)
    test = batch_of(1000, 20)
    meter = 0.0
    for step in range(1, 701):
        points, query, nearest = batch_of(64, 12)
        loss = F.cross_entropy(net(points, query), nearest)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        meter += loss.item()
        if step % 100 == 0:
            with torch.no_grad():
                acc = (net(test[0], test[1]).argmax(1) == test[2]).float().mean()
            print(f"[{step}] loss {meter / 100:.3f}, nearest of twenty found {acc:.3f}")
            meter = 0.0
    return acc.item()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", nargs="?", type=int, default=0)
    print(f"score: {run(parser.parse_args().seed):.4f}")
