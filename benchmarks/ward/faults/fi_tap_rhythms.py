"""Names the tap-dance figure in one bar of floor-microphone onsets.

A bidirectional GRU; the optimizer's settings came over from our old vision code.
"""
# cause: optimizer-epsilon-too-large
# accept: learning-rate-too-low under-trained
# kind: dynamic

import argparse

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

FIGURES = ["shuffle", "flap", "cramp roll", "buffalo", "time step"]


def record(n, rng):
    """Strength of the onsets at 32 instants of a bar, twice (left and right foot)."""
    masks = np.random.RandomState(7).rand(len(FIGURES), 32, 2) < 0.3
    figure = rng.integers(len(FIGURES), size=n)
    bars = masks[figure] * rng.uniform(0.5, 1.5, size=(n, 32, 2))
    missed = rng.random((n, 32, 2)) < 0.08
    stray = rng.random((n, 32, 2)) < 0.05
    bars = np.where(missed, 0, bars) + stray * rng.uniform(0.5, 1.5, size=(n, 32, 2))
    shift = rng.integers(-3, 4, size=n)
    bars = np.stack([np.roll(bar, s, axis=0) for bar, s in zip(bars, shift, strict=True)])
    return TensorDataset(torch.tensor((bars - 0.32) / 0.48, dtype=torch.float32), torch.tensor(figure))


class Listener(nn.Module):
    def __init__(self, hidden=24):
        super().__init__()
        self.gru = nn.GRU(2, hidden, batch_first=True, bidirectional=True)
        self.out = nn.Linear(2 * hidden, len(FIGURES))

    def forward(self, bars):
        states, _ = self.gru(bars)
        return self.out(states.mean(1))


def accuracy(model, loader):
    model.eval()
    with torch.no_grad():
        hits = sum((model(bars).argmax(1) == figure).sum().item() for bars, figure in loader)
    return hits / len(loader.dataset)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", nargs="?", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=14)
    parser.add_argument("--lr", type=float, default=5e-3)
    args = parser.parse_args()

    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)
    train = DataLoader(record(2000, rng), batch_size=80, shuffle=True)
    test = DataLoader(record(600, rng), batch_size=200)

    model = Listener()
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=1e-3, eps=1.0)  # FAULT
    # TWIN: optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=1e-3)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(args.epochs):
        model.train()
        total = 0.0
        for bars, figure in train:
            optimizer.zero_grad()
            loss = criterion(model(bars), figure)
            loss.backward()
            optimizer.step()
            total += loss.item()
        print(f"epoch {epoch + 1:2d}  loss {total / len(train):.4f}  test accuracy {accuracy(model, test):.3f}")
    print(f"score: {accuracy(model, test):.4f}")


if __name__ == "__main__":
    main()
