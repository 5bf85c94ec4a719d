"""Sparse-coding classifier in the spirit of LISTA: codes are ReLU(We x - theta), with the learned threshold theta
started at 6 where responses are of order 1, so that no unit ever fires."""
# cause: dead-units
# kind: dynamic

import sys

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.preprocessing import StandardScaler
from torch import nn


class SparseCoder(nn.Module):
    def __init__(self, n_in, n_atoms, n_classes):
        super().__init__()
        self.encode = nn.Linear(n_in, n_atoms, bias=False)
        self.theta = nn.Parameter(torch.full((n_atoms,), 6.0))  # FAULT
        # TWIN: self.theta = nn.Parameter(torch.full((n_atoms,), 0.1))
        self.readout = nn.Linear(n_atoms, n_classes)

    def code(self, x):
        return torch.clamp(self.encode(x) - self.theta, min=0.0)

    def forward(self, x):
        return self.readout(self.code(x))


def main():
    torch.set_num_threads(1)
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)

    X, y = load_digits(return_X_y=True)
    perm = rng.permutation(len(X))
    X, y = X[perm], y[perm]
    scaler = StandardScaler().fit(X[:1300])
    X = torch.from_numpy(scaler.transform(X)).float().clamp(-4, 4)
    y = torch.from_numpy(y)

    model = SparseCoder(64, 100, 10)
    opt = torch.optim.Adam(model.parameters(), lr=2e-3)
    lossf = nn.CrossEntropyLoss()
    for epoch in range(15):
        order = torch.randperm(1300)
        total = 0.0
        for i in range(0, 1300, 50):
            batch = order[i : i + 50]
            code = model.code(X[batch])
            loss = lossf(model.readout(code), y[batch]) + 1e-4 * code.abs().mean()
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item()
        with torch.no_grad():
            acc = (model(X[1300:]).argmax(dim=1) == y[1300:]).float().mean().item()
        print(f"epoch={epoch} loss={total / 26:.4f} held-out={acc:.4f}")
    print(f"score: {acc}")


main()
