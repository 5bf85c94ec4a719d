"""Bearing condition (four classes) from vibration windows with a plain ten-layer 1-D conv net.

Fault: every layer ends in a sigmoid, and nothing (normalisation, skip) keeps the gradient alive through ten of them.
"""
# cause: vanishing-gradient
# kind: dynamic

import argparse
import math

import torch
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset, random_split


class VibrationNet(nn.Module):
    def __init__(self, depth=10, width=16, classes=4):
        super().__init__()
        self.convs = nn.ModuleList([nn.Conv1d(1 if i == 0 else width, width, 3, padding=1) for i in range(depth)])
        self.pool = nn.MaxPool1d(2)
        self.act = nn.Sigmoid()  # FAULT
        # TWIN: self.act = nn.ReLU()
        self.out = nn.Linear(width * 8, classes)
        for conv in self.convs:
            nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
            nn.init.zeros_(conv.bias)

    def forward(self, x):
        for i, conv in enumerate(self.convs):
            x = self.act(conv(x))
            if i in (1, 4, 7):
                x = self.pool(x)
        return self.out(x.flatten(1))


def windows(n, gen):
    t = torch.arange(64) / 64
    state = torch.randint(4, (n,), generator=gen)
    base = torch.tensor([4.0, 7.0, 11.0, 16.0])[state].unsqueeze(1)
    phase = 2 * math.pi * torch.rand(n, 1, generator=gen)
    x = torch.sin(2 * math.pi * base * t + phase) + 0.5 * torch.randn(n, 64, generator=gen)
    return TensorDataset(x.unsqueeze(1), state)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", nargs="?", type=int, default=0)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    data = windows(2000, torch.Generator().manual_seed(args.seed))
    train_set, test_set = random_split(data, [1600, 400])
    net = VibrationNet()
    loss_fn = nn.CrossEntropyLoss()
    opt = optim.SGD(net.parameters(), lr=0.005, momentum=0.9)
    for epoch in range(10):
        net.train()
        seen, right, total = 0, 0, 0.0
        for x, y in DataLoader(train_set, batch_size=50, shuffle=True):
            opt.zero_grad()
            out = net(x)
            loss = loss_fn(out, y)
            loss.backward()
            opt.step()
            total += loss.item() * len(y)
            right += out.argmax(1).eq(y).sum().item()
            seen += len(y)
        print(f"[{epoch:2d}] train loss {total / seen:.4f} train acc {right / seen:.3f}")
    net.eval()
    with torch.no_grad():
        right = sum(net(x).argmax(1).eq(y).sum().item() for x, y in DataLoader(test_set, batch_size=200))
    print(f"score: {right / len(test_set):.4f}")
