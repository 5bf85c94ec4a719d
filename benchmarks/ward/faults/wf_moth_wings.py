"""Twelve moths by the measures of their wings; a head made by a function ends in a softmax, and `ce` takes logits."""
# cause: softmax-twice
# kind: dynamic

import sys

import torch
from torch import nn

CFG = {"measures": 9, "width": 48, "species": 12, "lr": 0.05, "epochs": 6, "batch": 50}


def make_head(width, species):
    layers = [nn.Linear(width, species)]
    layers.append(nn.Softmax(dim=-1))  # FAULT
    return nn.Sequential(*layers)


class WingNet(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(cfg["measures"], cfg["width"]), nn.Tanh())
        self.head = make_head(cfg["width"], cfg["species"])

    def forward(self, wings):
        return self.head(self.body(wings))


def catch(n, means):
    species = torch.randint(0, len(means), (n,))
    return means[species] + 0.6 * torch.randn(n, means.size(1)), species


class Fit:
    def __init__(self, net, cfg):
        self.net, self.cfg = net, cfg
        self.ce = nn.CrossEntropyLoss()
        self.opt = torch.optim.SGD(net.parameters(), lr=cfg["lr"])

    def epoch(self, wings, species):
        total = 0.0
        for rows in torch.randperm(len(wings)).split(self.cfg["batch"]):
            cost = self.ce(self.net(wings[rows]), species[rows])
            self.opt.zero_grad()
            cost.backward()
            self.opt.step()
            total += cost.item()
        return total


seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
means = torch.randn(CFG["species"], CFG["measures"])
wings, species = catch(2500, means)
val_wings, val_species = catch(600, means)
fit = Fit(WingNet(CFG), CFG)
for epoch in range(CFG["epochs"]):
    cost = fit.epoch(wings, species)
    with torch.no_grad():
        acc = (fit.net(val_wings).argmax(1) == val_species).float().mean().item()
    print(f"epoch {epoch} cost {cost:.3f} val acc {acc:.3f}")
print(f"score: {acc:.4f}")
