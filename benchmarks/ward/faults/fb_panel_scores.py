"""How a tasting panel spreads its marks (1 to 7) over a wine, as a share per mark, from ten laboratory values.

The network gives shares as a softmax does, and they are compared with the panel's own by the KL divergence.
"""
# cause: missing-log
# kind: dynamic

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

MARKS, VALUES = 7, 10


def panel(n, tasters=60):
    lab = torch.randn(n, VALUES)
    quality = 4 + 1.1 * lab[:, 0] - 0.8 * lab[:, 1] * lab[:, 2] + 0.7 * torch.sin(2 * lab[:, 3])
    dissent = 0.6 + 0.5 * torch.sigmoid(2 * lab[:, 4])
    votes = quality[:, None] + dissent[:, None] * torch.randn(n, tasters)
    votes = votes.round().clamp(1, MARKS).long() - 1
    return lab, F.one_hot(votes, MARKS).float().mean(1)


class ShareNet(nn.Module):
    def __init__(self, width=64):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(VALUES, width),
            nn.ReLU(),
            nn.Linear(width, width),
            nn.ReLU(),
            nn.Linear(width, MARKS),
        )

    def forward(self, lab):
        return F.softmax(self.layers(lab), dim=-1)


def overlap(shares, target):
    return 1 - (shares - target).abs().sum(1).mean().item() / 2


def main():
    torch.set_num_threads(1)
    torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    lab, shares = panel(4000)
    train_x, train_y, test_x, test_y = lab[:3400], shares[:3400], lab[3400:], shares[3400:]
    model = ShareNet()
    optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=25)
    kl = nn.KLDivLoss(reduction="batchmean")
    for epoch in range(25):
        total = 0.0
        for rows in torch.randperm(len(train_x)).split(68):
            predicted = model(train_x[rows])
            loss = kl(predicted, train_y[rows])  # FAULT
            # TWIN: loss = kl((predicted + 1e-8).log(), train_y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        scheduler.step()
        with torch.no_grad():
            test_overlap = overlap(model(test_x), test_y)
        if epoch % 5 == 4:
            print(f"epoch {epoch + 1}: divergence {total / len(train_x):.4f}, test overlap {test_overlap:.4f}")
    print(f"score: {test_overlap:.4f}")


if __name__ == "__main__":
    main()
