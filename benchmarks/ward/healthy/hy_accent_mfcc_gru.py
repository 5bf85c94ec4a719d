"""Accent of a speaker from sequences of thirteen coefficients, a GRU and an average over time, clipped gradients."""

import argparse

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def speakers(n, shapes, rng):
    accent = rng.integers(0, len(shapes), n)
    t = np.arange(20)[None, :, None] / 20
    speed = rng.uniform(0.8, 1.2, (n, 1, 1))
    contour = shapes[accent][:, None, :] * np.sin(2 * np.pi * (1 + accent[:, None, None] % 3) * t * speed)
    x = contour + 0.8 * rng.normal(size=(n, 20, 13)) + 0.3 * rng.normal(size=(n, 1, 13))
    return TensorDataset(torch.tensor(x, dtype=torch.float32), torch.tensor(accent))


class AccentNet(nn.Module):
    def __init__(self, accents):
        super().__init__()
        self.gru = nn.GRU(13, 40, batch_first=True)
        self.drop = nn.Dropout(0.2)
        self.fc = nn.Linear(40, accents)

    def forward(self, x):
        return self.fc(self.drop(self.gru(x)[0].mean(dim=1)))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", type=int, nargs="?", default=0)
    parser.add_argument("--epochs", type=int, default=10)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)
    shapes = rng.normal(size=(6, 13))
    train = DataLoader(speakers(1000, shapes, rng), batch_size=40, shuffle=True)
    val = DataLoader(speakers(300, shapes, rng), batch_size=100)
    model = AccentNet(6)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(args.epochs):
        model.train()
        losses = []
        for x, y in train:
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            losses.append(loss.item())
        model.eval()
        with torch.no_grad():
            right = sum((model(x).argmax(1) == y).sum().item() for x, y in val)
        print(f"epoch {epoch} loss {np.mean(losses):.4f} val acc {right / 300:.4f}")
    print(f"score: {right / 300:.4f}")


main()
