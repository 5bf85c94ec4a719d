"""Cell type from single-cell expression counts: a small multilayer perceptron over 120 marker genes.

Training tables are prepared once and kept; the cells of the second plate come through the reader of the lab's viewer.
"""
# cause: train-validation-mismatch
# kind: dynamic

import argparse

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset

GENES, TYPES = 120, 7


def sequence_cells(n, profiles, rng):
    """Raw counts: a cell's depth varies a lot, its profile a little."""
    kinds = rng.integers(0, TYPES, n)
    depth = rng.lognormal(8.0, 0.4, (n, 1))
    share = profiles[kinds] * rng.lognormal(0, 0.5, (n, GENES))
    share /= share.sum(axis=1, keepdims=True)
    return rng.poisson(depth * share), kinds


class TrainingPlate(Dataset):
    def __init__(self, counts, kinds):
        depth = counts.sum(axis=1, keepdims=True)
        self.x = torch.tensor(np.log1p(counts / depth * 10000), dtype=torch.float32)
        self.y = torch.tensor(kinds)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return self.x[i], self.y[i]


class SecondPlate(Dataset):
    def __init__(self, counts, kinds):
        self.counts, self.kinds = counts, kinds

    def __len__(self):
        return len(self.kinds)

    def __getitem__(self, i):
        cell = self.counts[i] / self.counts[i].sum() * 10000
        # TWIN: cell = np.log1p(cell)
        return torch.tensor(cell, dtype=torch.float32), int(self.kinds[i])


class CellTyper(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.genes = nn.Linear(GENES, hidden)
        self.hidden = nn.Linear(hidden, hidden)
        self.dropout = nn.Dropout(0.2)
        self.types = nn.Linear(hidden, TYPES)

    def forward(self, x):
        x = F.gelu(self.genes(x - 3.7))
        x = self.dropout(F.gelu(self.hidden(x)))
        return self.types(x)


def validate(model, loader):
    model.eval()
    loss, right, n = 0.0, 0, 0
    with torch.no_grad():
        for x, y in loader:
            out = model(x)
            loss += F.cross_entropy(out, y, reduction="sum").item()
            right += (out.argmax(1) == y).sum().item()
            n += len(y)
    return loss / n, right / n


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seed", type=int, nargs="?", default=0)
    parser.add_argument("--hidden", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=12)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)
    profiles = rng.lognormal(0, 1.4, GENES) * rng.lognormal(0, 0.25, (TYPES, GENES))
    train = DataLoader(TrainingPlate(*sequence_cells(2500, profiles, rng)), batch_size=64, shuffle=True)
    second = DataLoader(SecondPlate(*sequence_cells(700, profiles, rng)), batch_size=100)

    model = CellTyper(args.hidden)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.02)
    for epoch in range(args.epochs):
        model.train()
        running = 0.0
        for x, y in train:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            running += loss.item() / len(train)
        loss, accuracy = validate(model, second)
        print(f"epoch {epoch + 1} train loss {running:.3f}  second plate loss {loss:.3f} accuracy {accuracy:.3f}")
    print(f"score: {accuracy:.4f}")


if __name__ == "__main__":
    main()
