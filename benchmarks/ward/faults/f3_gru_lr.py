"""GRU that tells which of four Markov sources wrote a string; the optimizer was changed from SGD to Adam and the
learning rate of 0.5 was left in the arguments."""
# cause: learning-rate-too-high
# kind: dynamic

import argparse

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

VOCAB, LENGTH, SOURCES = 8, 20, 4


def write_strings(n, tables, rng):
    labels = rng.integers(0, SOURCES, n)
    out = np.zeros((n, LENGTH), dtype=np.int64)
    out[:, 0] = rng.integers(0, VOCAB, n)
    for t in range(1, LENGTH):
        p = tables[labels, out[:, t - 1]].cumsum(axis=1)
        out[:, t] = (rng.random((n, 1)) > p[:, :-1]).sum(axis=1)
    return TensorDataset(torch.from_numpy(out), torch.from_numpy(labels))


class SourceGRU(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(VOCAB, 12)
        self.gru = nn.GRU(12, 32, batch_first=True)
        self.fc = nn.Linear(32, SOURCES)

    def forward(self, x):
        states, _ = self.gru(self.emb(x))
        return self.fc(states[:, -1])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", nargs="?", type=int, default=0)
    parser.add_argument("--lr", type=float, default=0.5)  # FAULT
    # TWIN: parser.add_argument("--lr", type=float, default=0.005)
    parser.add_argument("--epochs", type=int, default=8)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)
    tables = rng.dirichlet([0.7] * VOCAB, size=(SOURCES, VOCAB))
    train = DataLoader(write_strings(1500, tables, rng), batch_size=50, shuffle=True)
    test = DataLoader(write_strings(500, tables, rng), batch_size=100)

    model = SourceGRU()
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(args.epochs):
        model.train()
        total = 0.0
        for x, y in train:
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
            total += loss.item() * x.size(0)
        model.eval()
        hits = 0
        with torch.no_grad():
            for x, y in test:
                hits += model(x).argmax(1).eq(y).sum().item()
        print(f"Epoch {epoch + 1}: train loss {total / 1500:.4f}, test accuracy {hits / 500:.3f}")
    print(f"score: {hits / 500:.4f}")


if __name__ == "__main__":
    main()
