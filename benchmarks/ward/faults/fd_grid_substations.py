"""The role of every substation of a power grid (one of five), from a few meters and its neighbours.

A graph network whose layer is written out here, because the grid is small enough for a dense matrix.
Its weights start as an even average over the inputs, so that the first output is easy to explain.
"""
# cause: symmetric-initialization
# accept: bad-initialization
# kind: dynamic

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

ROLES, METERS = 5, 10


def make_grid(nodes, gen):
    role = torch.randint(ROLES, (nodes,), generator=gen)
    affinity = torch.full((ROLES, ROLES), 0.002)
    affinity.fill_diagonal_(0.02)
    chance = affinity[role][:, role]
    upper = torch.triu(torch.rand(nodes, nodes, generator=gen) < chance, diagonal=1).float()
    adjacency = upper + upper.T + torch.eye(nodes)
    scale = adjacency.sum(1).rsqrt()
    typical = torch.randn(ROLES, METERS, generator=gen)
    meters = typical[role] + 1.6 * torch.randn(nodes, METERS, generator=gen)
    meters = (meters - meters.mean(0)) / meters.std(0)
    return meters, scale[:, None] * adjacency * scale, role


class GraphLayer(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(n_in, n_out) / n_in)  # FAULT
        # TWIN: self.weight = nn.Parameter(torch.randn(n_in, n_out) * (2 / n_in) ** 0.5)
        self.bias = nn.Parameter(torch.zeros(n_out))

    def forward(self, x, links):
        return links @ (x @ self.weight) + self.bias


class GridNet(nn.Module):
    def __init__(self, hidden=32):
        super().__init__()
        self.first = GraphLayer(METERS, hidden)
        self.second = GraphLayer(hidden, ROLES)

    def forward(self, x, links):
        return self.second(F.elu(self.first(x, links)), links)


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    gen = torch.Generator().manual_seed(seed)
    meters, links, role = make_grid(1200, gen)
    order = torch.randperm(len(role), generator=gen)
    train, val, test = order[:600], order[600:800], order[800:]

    net = GridNet()
    optimizer = torch.optim.Adam(net.parameters(), lr=5e-3, weight_decay=1e-3)
    for step in range(1, 151):
        net.train()
        logits = net(meters, links)
        loss = F.cross_entropy(logits[train], role[train])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 25 == 0:
            net.eval()
            with torch.no_grad():
                logits = net(meters, links)
            val_loss = F.cross_entropy(logits[val], role[val]).item()
            print(f"step {step}: train {loss.item():.3f}, val {val_loss:.3f}")
    net.eval()
    with torch.no_grad():
        predicted = net(meters, links).argmax(1)
    print(f"score: {(predicted[test] == role[test]).float().mean().item():.4f}")


if __name__ == "__main__":
    main()
