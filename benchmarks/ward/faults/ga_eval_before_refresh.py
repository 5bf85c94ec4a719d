"""Tram wheels by a net with batch norm; before each validation the running statistics are computed anew by a pass over
the training data in training mode, without gradients (precise batch norm). Score: accuracy.
"""
# cause: evaluation-in-train-mode
# kind: structural

import sys

import torch
import torch.nn as nn

torch.set_num_threads(1)


def refresh(net, x):
    for each in net.modules():
        if isinstance(each, nn.BatchNorm1d):
            each.reset_running_stats()
    net.train()
    with torch.no_grad():
        for part in x.split(100):
            net(part)


def main(seed):
    torch.manual_seed(seed)
    x = torch.randn(1500, 12)
    y = (x[:, 0] * x[:, 1] + x[:, 2] > 0).long() + (x[:, 3].abs() > 1).long()
    x, y, held_x, held_y = x[:1100], y[:1100], x[1100:], y[1100:]
    net = nn.Sequential(nn.Linear(12, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 64), nn.BatchNorm1d(64),
                        nn.ReLU(), nn.Linear(64, 3))  # fmt: skip
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 20)
    for epoch in range(20):
        net.train()
        for rows in torch.randperm(1100).split(50):
            loss = nn.functional.cross_entropy(net(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        schedule.step()
        net.eval()  # FAULT
        refresh(net, x)
        # TWIN: net.eval()
        with torch.no_grad():
            right = (net(held_x).argmax(1) == held_y).float().mean().item()
        print(f"epoch {epoch}: {loss.item():.4f} held {right:.4f}")
    print(f"score: {right:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
