"""Graph regression: a property of random molecule-like trees with ring bonds from atom types and bond orders, message
passing on flat batches of edges with index_add, residual updates, sum pooling; Adam, L2 loss. Score: R2 on test graphs.
"""

import random
import sys

import torch
import torch.nn as nn
from torch.utils.data import DataLoader

torch.set_num_threads(1)
CHARGE = [0.1, 0.9, 0.5, -0.6]


def molecule(rng):
    n = rng.randint(5, 12)
    atoms = [rng.choices(range(4), [6, 2, 2, 1])[0] for _ in range(n)]
    bonds = {(rng.randint(max(0, i - 3), i - 1), i): rng.choice([0, 0, 1]) for i in range(1, n)}
    if n > 6 and rng.random() < 0.5:
        bonds.setdefault((0, rng.randint(4, n - 1)), 0)
    y = 0.3 * sum(CHARGE[a] for a in atoms)
    for (i, j), order in bonds.items():
        y += (1 + order) * abs(CHARGE[atoms[i]] - CHARGE[atoms[j]])
    for i in range(n):
        y += 0.5 * (sum(i in b for b in bonds) >= 3)
    return atoms, [(*b, o) for b, o in bonds.items()], y + rng.gauss(0, 0.1)


def collate(graphs):
    atoms, edges, owner, offset = [], [], [], 0
    for g, (a, bonds, _) in enumerate(graphs):
        atoms += a
        owner += [g] * len(a)
        for i, j, o in bonds:
            edges += [(i + offset, j + offset, o), (j + offset, i + offset, o)]
        offset += len(a)
    y = torch.tensor([y for _, _, y in graphs])
    return torch.tensor(atoms), torch.tensor(edges).T, torch.tensor(owner), y


class MPNN(nn.Module):
    def __init__(self, h=48, rounds=2):
        super().__init__()
        self.atom, self.bond, self.rounds = nn.Embedding(4, h), nn.Embedding(2, h), rounds
        self.message = nn.Sequential(nn.Linear(3 * h, h), nn.ReLU(), nn.Linear(h, h))
        self.update = nn.Sequential(nn.Linear(2 * h, h), nn.ReLU(), nn.Linear(h, h))
        self.read = nn.Sequential(nn.Linear(h, h), nn.ReLU())
        self.out = nn.Linear(h, 1)

    def forward(self, atoms, edges, owner, graphs):
        h = self.atom(atoms)
        src, dst, order = edges
        for _ in range(self.rounds):
            m = self.message(torch.cat([h[src], h[dst], self.bond(order)], 1))
            h = h + self.update(torch.cat([h, torch.zeros_like(h).index_add(0, dst, m)], 1))
        pooled = torch.zeros(graphs, h.shape[1]).index_add(0, owner, self.read(h)) / 8
        return self.out(pooled).squeeze(1)


def main(seed):
    torch.manual_seed(seed)
    rng = random.Random(seed)
    data = [molecule(rng) for _ in range(3400)]
    loaders = [
        DataLoader(d, 32, shuffle=i == 0, collate_fn=collate)
        for i, d in enumerate((data[:2400], data[2400:2800], data[2800:]))
    ]
    targets = torch.tensor([y for *_, y in data[:2400]])
    mean, std = targets.mean(), targets.std()
    model, criterion = MPNN(), nn.MSELoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=6e-3)
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, [14, 17], gamma=0.2)

    def predict(loader):
        model.eval()
        with torch.no_grad():
            out = [(model(a, e, o, len(y)), (y - mean) / std) for a, e, o, y in loader]
        return (torch.cat(t) for t in zip(*out))

    for epoch in range(1, 19):
        model.train()
        total = 0.0
        for atoms, edges, owner, y in loaders[0]:
            loss = criterion(model(atoms, edges, owner, len(y)), (y - mean) / std)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        scheduler.step()
        out, y = predict(loaders[1])
        print(f"epoch {epoch}: train loss {total / len(loaders[0]):.4f} val loss {criterion(out, y).item():.4f}")
    out, y = predict(loaders[2])
    print(f"score: {(1 - (out - y).pow(2).sum() / (y - y.mean()).pow(2).sum()).item():.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
