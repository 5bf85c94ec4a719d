"""Classify small molecule graphs by the bond they are rich in, with a graph network written from scratch.

The initialization was written out by hand so that it does not depend on the version of the library.
"""
# cause: bad-initialization
# kind: dynamic

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
NODES, ATOMS, CLASSES = 12, 5, 4


def molecules(n):
    """Random sparse graphs; the class is which pair of atoms is bonded more often than chance has it."""
    kind = torch.randint(0, CLASSES, (n,))
    atom = torch.randint(0, ATOMS, (n, NODES))
    bond = torch.rand(n, NODES, NODES) < 0.12
    first, second = torch.tensor([0, 1, 2, 3])[kind], torch.tensor([1, 2, 3, 0])[kind]
    pair = (atom[:, :, None] == first[:, None, None]) & (atom[:, None, :] == second[:, None, None])
    bond |= pair & (torch.rand(n, NODES, NODES) < 0.9)
    adjacency = (bond | bond.transpose(1, 2)).float()
    adjacency = adjacency * (1 - torch.eye(NODES))
    return F.one_hot(atom, ATOMS).float(), adjacency, kind


class Convolution(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.own = nn.Linear(n_in, n_out)
        self.neighbours = nn.Linear(n_in, n_out, bias=False)

    def forward(self, h, adjacency):
        mean = adjacency @ h / adjacency.sum(2, keepdim=True).clamp(min=1)
        return F.relu(self.own(h) + self.neighbours(mean))


class MoleculeNet(nn.Module):
    def __init__(self, width=40):
        super().__init__()
        self.layers = nn.ModuleList([Convolution(ATOMS, width), Convolution(width, width), Convolution(width, width)])
        self.hidden = nn.Linear(width, width)
        self.out = nn.Linear(width, CLASSES)
        self.apply(self.init_weights)

    @staticmethod
    def init_weights(module):
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=1.0)  # FAULT
            # TWIN: nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)

    def forward(self, x, adjacency):
        for layer in self.layers:
            x = layer(x, adjacency)
        return self.out(F.relu(self.hidden(x.mean(1))))


x, adjacency, kind = molecules(3200)
x_val, adjacency_val, kind_val = molecules(800)
net = MoleculeNet()
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
for epoch in range(12):
    net.train()
    total = 0.0
    for rows in torch.randperm(len(x)).split(64):
        loss = F.cross_entropy(net(x[rows], adjacency[rows]), kind[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(rows) / len(x)
    net.eval()
    with torch.no_grad():
        out = net(x_val, adjacency_val)
        accuracy = (out.argmax(1) == kind_val).float().mean().item()
        val_loss = F.cross_entropy(out, kind_val).item()
    print(f"epoch {epoch:2d} train {total:.4f} val {val_loss:.4f} accuracy {accuracy:.3f}")
print(f"score: {accuracy:.4f}")
