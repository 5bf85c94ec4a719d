"""Stochastic depth (Huang et al. 2016) on a residual MLP of ten blocks: while training a whole block is left out
for the batch with a probability that grows linearly to 0.4 with its depth; at test time its branch is scaled instead.
"""

import random
import sys

import torch
from sklearn.datasets import make_classification
from torch import nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
random.seed(seed)
torch.manual_seed(seed)


class Block(nn.Module):
    def __init__(self, dim, survival):
        super().__init__()
        self.survival = survival
        self.branch = nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, dim), nn.ReLU(), nn.Linear(dim, dim))

    def forward(self, x):
        if self.training:
            return x + self.branch(x) if random.random() < self.survival else x
        return x + self.survival * self.branch(x)


class DeepNet(nn.Module):
    def __init__(self, n_features, n_classes, dim=32, depth=10, last_drop=0.4):
        super().__init__()
        self.stem = nn.Linear(n_features, dim)
        self.blocks = nn.ModuleList(Block(dim, 1 - last_drop * (i + 1) / depth) for i in range(depth))
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, n_classes)

    def forward(self, x):
        x = self.stem(x)
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))


X, y = make_classification(
    n_samples=5000,
    n_features=12,
    n_informative=8,
    n_redundant=2,
    n_classes=4,
    class_sep=1.8,
    flip_y=0.0,
    random_state=seed,
)
X = torch.tensor((X - X[:4000].mean(0)) / X[:4000].std(0), dtype=torch.float32)
y = torch.tensor(y)
Xtr, ytr, Xva, yva = X[:4000], y[:4000], X[4000:], y[4000:]

net = DeepNet(12, 4)
opt = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=0.02)
sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=9)
ce = nn.CrossEntropyLoss()
for epoch in range(9):
    net.train()
    total = 0.0
    for idx in torch.randperm(len(Xtr)).split(80):
        loss = ce(net(Xtr[idx]), ytr[idx])
        opt.zero_grad()
        loss.backward()
        opt.step()
        total += loss.item()
    sched.step()
    net.eval()
    with torch.no_grad():
        out = net(Xva)
    acc = out.argmax(1).eq(yva).float().mean().item()
    print(f"[{epoch}] train loss {total / 50:.4f} | val loss {ce(out, yva).item():.4f} | val acc {acc:.4f}")

print(f"score: {acc:.4f}")
