"""A soft decision tree: inner nodes route by a sigmoid, leaves hold a distribution over classes.

The leaves are plain parameters that begin at zero (uniform), the loss is the negative log of a mixture, and a penalty
keeps the nodes from sending everybody to one side. There is no activation and no hidden layer in the ordinary sense.
"""

import sys

import numpy as np
import torch
from sklearn.datasets import make_classification
from torch import nn


class SoftTree(nn.Module):
    def __init__(self, features, classes, depth=4):
        super().__init__()
        self.depth = depth
        self.gates = nn.Linear(features, 2**depth - 1)
        self.leaves = nn.Parameter(torch.zeros(2**depth, classes))

    def forward(self, x):
        right = torch.sigmoid(self.gates(x))
        path = x.new_ones(len(x), 1)
        penalty, start = 0.0, 0
        for level in range(self.depth):
            width = 2**level
            gate = right[:, start : start + width]
            share = (path * gate).sum(0) / path.sum(0)
            penalty = penalty - 0.5 ** (level + 1) * (0.5 * torch.log(share) + 0.5 * torch.log(1 - share)).sum()
            path = torch.stack([path * (1 - gate), path * gate], dim=2).flatten(1)
            start += width
        return torch.log(path @ self.leaves.softmax(dim=1)), penalty


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    x, y = make_classification(
        n_samples=4000,
        n_features=16,
        n_informative=8,
        n_redundant=2,
        n_classes=5,
        n_clusters_per_class=1,
        class_sep=1.6,
        flip_y=0.02,
        random_state=seed,
    )
    x = (x - x[:3200].mean(0)) / x[:3200].std(0)
    x, y = torch.tensor(x.astype(np.float32)), torch.tensor(y)
    x_train, y_train, x_test, y_test = x[:3200], y[:3200], x[3200:], y[3200:]

    tree = SoftTree(features=16, classes=5)
    optimizer = torch.optim.Adam(tree.parameters(), lr=0.02)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 20)
    for epoch in range(20):
        total = 0.0
        for rows in torch.randperm(len(x_train)).split(64):
            log_p, penalty = tree(x_train[rows])
            nll = nn.functional.nll_loss(log_p, y_train[rows])
            optimizer.zero_grad()
            (nll + 0.05 * penalty).backward()
            optimizer.step()
            total += nll.item() * len(rows)
        scheduler.step()
        if epoch % 4 == 3:
            print(f"epoch {epoch + 1}: nll {total / len(x_train):.4f}")
    with torch.no_grad():
        accuracy = (tree(x_test)[0].argmax(1) == y_test).float().mean().item()
    print(f"score: {accuracy:.4f}")


if __name__ == "__main__":
    main()
