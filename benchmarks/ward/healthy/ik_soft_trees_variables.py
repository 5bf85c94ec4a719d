"""Kinds of variable stars from ten summaries of their light curves: a forest of six soft decision trees of depth four,
learned by gradient, the steepness of the gates raised during training by hand. Adagrad; leaves hold class logits.
"""

import sys

import numpy as np
import torch
from sklearn.datasets import make_classification
from sklearn.model_selection import train_test_split
from torch import nn

torch.set_num_threads(1)


class SoftForest(nn.Module):
    def __init__(self, n_in, classes, trees=6, depth=4):
        super().__init__()
        self.depth, inner, leaves = depth, 2**depth - 1, 2**depth
        self.gates = nn.Parameter(torch.randn(trees, inner, n_in) / n_in**0.5)
        self.cuts = nn.Parameter(torch.zeros(trees, inner))
        self.leaves = nn.Parameter(0.1 * torch.randn(trees, leaves, classes))
        self.register_buffer("steepness", torch.tensor(1.0))

    def reach(self, x):
        go = torch.sigmoid(self.steepness * (torch.einsum("bi,tni->btn", x, self.gates) + self.cuts))
        mass = torch.ones(len(x), go.shape[1], 1)
        for level in range(self.depth):
            gate = go[:, :, 2**level - 1 : 2 ** (level + 1) - 1]
            mass = torch.stack([mass * gate, mass * (1 - gate)], -1).flatten(2)
        return mass

    def forward(self, x):
        return torch.einsum("btl,tlc->bc", self.reach(x), self.leaves)


def main(seed):
    torch.manual_seed(seed)
    x, y = make_classification(
        6000, 10, n_informative=7, n_redundant=2, n_classes=4, class_sep=1.6, flip_y=0.01, random_state=seed
    )
    x, x_rest, y, y_rest = train_test_split(x, y, test_size=0.4, stratify=y, random_state=seed)
    mean, std = x.mean(0), x.std(0)
    x, x_rest = (torch.tensor((a - mean) / std, dtype=torch.float32) for a in (x, x_rest))
    y, y_rest = torch.from_numpy(y), torch.from_numpy(y_rest)
    (x_val, x_test), (y_val, y_test) = x_rest.chunk(2), y_rest.chunk(2)
    forest = SoftForest(10, 4)
    optimizer = torch.optim.Adagrad(forest.parameters(), lr=0.1)
    for epoch in range(14):
        forest.steepness.fill_(1.0 + 3.0 * min(1.0, epoch / 10))
        forest.train()
        losses = []
        for idx in torch.randperm(len(x)).split(50):
            loss = nn.functional.cross_entropy(forest(x[idx]), y[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        forest.eval()
        with torch.no_grad():
            out, sharp = forest(x_val), forest.reach(x_val).amax(-1).mean()
            val, acc = nn.functional.cross_entropy(out, y_val), (out.argmax(1) == y_val).float().mean()
        print(f"epoch {epoch} {np.mean(losses):.4f} val {val:.4f} acc {acc:.4f} mass of the chief leaf {sharp:.2f}")
    with torch.no_grad():
        print(f"score: {(forest(x_test).argmax(1) == y_test).float().mean().item():.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
