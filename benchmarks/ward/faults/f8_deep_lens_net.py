"""Five kinds of lens flaw, told apart by a rather deep convolutional net. The builder hands out nets that are ready for
use, as the inspection program wants them."""
# cause: training-in-eval-mode
# kind: dynamic

import sys

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

FLAWS, SIDE = 5, 12


def lenses(n, flaws):
    y = torch.randint(FLAWS, (n,))
    x = flaws[y] * (0.7 + 0.6 * torch.rand(n, 1, 1, 1)) + 1.0 * torch.randn(n, 1, SIDE, SIDE)
    return x, y


def build(depth=8, width=12):
    layers, channels = [], 1
    for i in range(depth):
        layers += [nn.Conv2d(channels, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
        if i in (1, 4):
            layers.append(nn.MaxPool2d(2))
        channels = width
    net = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, FLAWS))
    return net.eval()


class Inspector:
    def __init__(self, lr):
        self.net = build()
        self.optimizer = torch.optim.SGD(self.net.parameters(), lr=lr, momentum=0.9, weight_decay=1e-4)
        self.criterion = nn.CrossEntropyLoss()

    def learn(self, loader):
        # TWIN: self.net.train()
        total = 0.0
        for x, y in loader:
            loss = self.criterion(self.net(x), y)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            total += loss.item()
        return total / len(loader)

    def test(self, loader):
        self.net.eval()
        with torch.no_grad():
            return sum((self.net(x).argmax(1) == y).sum().item() for x, y in loader) / len(loader.dataset)


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    coarse = torch.randn(FLAWS, 1, 6, 6)
    flaws = 1.2 * nn.functional.interpolate(coarse, size=(SIDE, SIDE), mode="nearest")
    train = DataLoader(TensorDataset(*lenses(800, flaws)), batch_size=40, shuffle=True)
    test = DataLoader(TensorDataset(*lenses(300, flaws)), batch_size=100)
    inspector = Inspector(lr=0.05)
    for epoch in range(7):
        loss = inspector.learn(train)
        accuracy = inspector.test(test)
        print(f"epoch {epoch} loss {loss:.4f} accuracy {accuracy:.4f}")
    print(f"score: {accuracy:.4f}")
