"""Digits with a residual MLP of 14 blocks, as in the transformer's feed-forward part.

The blocks add their output to the stream without any normalisation, so the stream grows with every block and so does
the gradient.
"""
# cause: exploding-gradient
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split


class Block(nn.Module):
    def __init__(self, dim, mult=2):
        super().__init__()
        self.up = nn.Linear(dim, dim * mult)
        self.down = nn.Linear(dim * mult, dim)
        for lin in (self.up, self.down):
            nn.init.kaiming_normal_(lin.weight)
            nn.init.zeros_(lin.bias)

    def forward(self, h):
        z = h  # FAULT
        # TWIN: z = F.layer_norm(h, h.shape[-1:])
        return h + self.down(F.relu(self.up(z)))


class ResMLP(nn.Module):
    def __init__(self, dim=32, blocks=14, classes=10):
        super().__init__()
        self.embed = nn.Linear(64, dim)
        self.blocks = nn.Sequential(*[Block(dim) for _ in range(blocks)])
        self.head = nn.Linear(dim, classes)

    def forward(self, x):
        h = self.blocks(self.embed(x))
        # TWIN: h = F.layer_norm(h, h.shape[-1:])
        return self.head(h)


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)

    images, labels = load_digits(return_X_y=True)
    split = train_test_split(images, labels, test_size=400, stratify=labels, random_state=seed)
    mean, std = split[0].mean(), split[0].std()
    xtr, xte = (torch.as_tensor((a - mean) / std, dtype=torch.float32) for a in split[:2])
    ytr, yte = (torch.as_tensor(a) for a in split[2:])

    net = ResMLP()
    opt = torch.optim.Adam(net.parameters(), lr=1e-3)
    for epoch in range(8):
        net.train()
        losses = []
        for idx in torch.randperm(len(xtr)).split(64):
            loss = F.cross_entropy(net(xtr[idx]), ytr[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
            losses.append(loss.item())
        net.eval()
        with torch.no_grad():
            acc = (net(xte).argmax(1) == yte).float().mean().item()
        print(f"epoch {epoch} loss {np.mean(losses):.4g} test acc {acc:.4f}")
    print(f"score: {acc:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
