"""Seven gestures from a glove; the head is swapped for a larger one after a warm start, inside a helper."""
# cause: stale-optimizer
# kind: dynamic

import sys

import torch
from torch import nn


class GloveNet(nn.Module):
    def __init__(self, inputs, classes):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(inputs, 40), nn.ReLU())
        self.head = nn.Linear(40, classes)

    def forward(self, x):
        return self.head(self.body(x))

    def grow(self, classes):
        self.head = nn.Linear(self.head.in_features, classes)
        self.body = nn.Sequential(nn.Linear(16, 40), nn.ReLU())


class Session:
    def __init__(self, seed):
        torch.manual_seed(seed)
        self.centres = 1.2 * torch.randn(7, 16)
        self.net = GloveNet(16, 3)
        self.opt = self.make_optimizer()
        self.criterion = nn.CrossEntropyLoss()

    def make_optimizer(self):
        return torch.optim.Adam(self.net.parameters(), lr=4e-3)

    def samples(self, n, classes):
        y = torch.randint(0, classes, (n,))
        return self.centres[y] + 1.2 * torch.randn(n, 16), y

    def phase(self, epochs, classes):
        x, y = self.samples(1500, classes)
        for epoch in range(epochs):
            for rows in torch.randperm(len(x)).split(50):
                self.opt.zero_grad()
                loss = self.criterion(self.net(x[rows]), y[rows])
                loss.backward()
                self.opt.step()
            print(f"{classes} gestures, epoch {epoch}, loss {loss.item():.4f}")

    def accuracy(self, classes):
        x, y = self.samples(800, classes)
        with torch.no_grad():
            return (self.net(x).argmax(1) == y).float().mean().item()


seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
session = Session(seed)
session.phase(2, 3)
session.net.grow(7)
# TWIN: session.opt = session.make_optimizer()
session.phase(8, 7)
print(f"score: {session.accuracy(7):.4f}")
