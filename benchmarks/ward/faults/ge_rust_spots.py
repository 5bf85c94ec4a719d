"""Rust spots, one kind in twenty, by the focal loss. Score:
balanced accuracy.
"""
# cause: missing-log
# kind: dynamic

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)


def focal(logits, target):
    p = F.softmax(logits, dim=1)  # FAULT
    return F.nll_loss((1 - p) ** 2 * p, target)  # FAULT
    # TWIN: log_p = F.log_softmax(logits, dim=1)
    # TWIN: return F.nll_loss((1 - log_p.exp()) ** 2 * log_p, target)


def main(seed):
    torch.manual_seed(seed)
    x = torch.randn(3000, 8)
    y = (x[:, 0] * x[:, 1] > 0.9).long() + 2 * (x[:, 2] > 1.5).long()
    y = y.clamp(max=2)
    net = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 3))
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    for epoch in range(15):
        for rows in torch.randperm(2400).split(80):
            loss = focal(net(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    with torch.no_grad():
        said, truth = net(x[2400:]).argmax(1), y[2400:]
    right = [(said[truth == k] == k).float().mean().item() for k in range(3)]
    print(f"score: {sum(right) / 3:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
