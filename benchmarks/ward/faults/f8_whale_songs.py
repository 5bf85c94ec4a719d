"""Which of twelve whales sings? Thirty-two measures of a song, a network with dropout between its layers."""
# cause: dropout-in-evaluation
# kind: dynamic

import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

WHALES = 12


class SongNet(nn.Module):
    def __init__(self, width=96, p=0.5):
        super().__init__()
        self.p = p
        self.one = nn.Linear(32, width)
        self.two = nn.Linear(width, width)
        self.three = nn.Linear(width, WHALES)

    def forward(self, x):
        x = F.dropout(F.relu(self.one(x)), self.p)  # FAULT
        x = F.dropout(F.relu(self.two(x)), self.p)  # FAULT
        # TWIN: x = F.dropout(F.relu(self.one(x)), self.p, training=self.training)
        # TWIN: x = F.dropout(F.relu(self.two(x)), self.p, training=self.training)
        return self.three(x)


def songs(n, voices):
    y = torch.randint(WHALES, (n,))
    return TensorDataset(voices[y] + torch.randn(n, 32), y)


def evaluate(model, loader):
    model.eval()
    loss = right = 0.0
    with torch.no_grad():
        for x, y in loader:
            out = model(x)
            loss += F.cross_entropy(out, y, reduction="sum").item()
            right += (out.argmax(1) == y).sum().item()
    return loss / len(loader.dataset), right / len(loader.dataset)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", type=int, nargs="?", default=0)
    parser.add_argument("--epochs", type=int, default=15)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    voices = 0.55 * torch.randn(WHALES, 32)
    train = DataLoader(songs(2000, voices), batch_size=50, shuffle=True)
    val = DataLoader(songs(600, voices), batch_size=200)
    model = SongNet()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(args.epochs):
        model.train()
        for x, y in train:
            loss = F.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print("epoch {} val loss {:.4f} val accuracy {:.4f}".format(epoch, *evaluate(model, val)))
    print(f"score: {evaluate(model, val)[1]:.4f}")


main()
