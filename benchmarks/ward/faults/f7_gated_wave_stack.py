"""Which of five machines a vibration trace comes from, with a WaveNet-like stack of gated convolutions. The residual
connections of the paper were left out."""
# cause: vanishing-gradient
# kind: dynamic

import math
import sys

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def traces(n, machines=5, length=64):
    kind = torch.randint(machines, (n,))
    t = torch.arange(length) / length
    base = 3.0 + 1.5 * kind.float().unsqueeze(1)
    phase = torch.rand(n, 2) * 2 * math.pi
    wave = torch.sin(2 * math.pi * base * t + phase[:, :1])
    wave = wave + 0.7 * torch.sin(2 * math.pi * (2 * base + 1) * t + phase[:, 1:])
    return (wave + 0.8 * torch.randn(n, length)).unsqueeze(1), kind


class GatedBlock(nn.Module):
    def __init__(self, channels, dilation):
        super().__init__()
        self.filter = nn.Conv1d(channels, channels, 3, padding=dilation, dilation=dilation)
        self.gate = nn.Conv1d(channels, channels, 3, padding=dilation, dilation=dilation)

    def forward(self, x):
        z = torch.tanh(self.filter(x)) * torch.sigmoid(self.gate(x))
        return z  # FAULT
        # TWIN: return x + z


class WaveStack(nn.Module):
    def __init__(self, channels=16):
        super().__init__()
        self.entry = nn.Conv1d(1, channels, 5, padding=2)
        self.blocks = nn.ModuleList([GatedBlock(channels, 2**i) for _ in range(4) for i in range(3)])
        self.exit = nn.Linear(channels, 5)

    def forward(self, x):
        x = self.entry(x)
        for block in self.blocks:
            x = block(x)
        return self.exit(x.relu().mean(dim=2))


def accuracy(model, loader):
    model.eval()
    with torch.no_grad():
        hits = [(model(x).argmax(1) == y).float().sum().item() for x, y in loader]
    return sum(hits) / len(loader.dataset)


def main():
    torch.set_num_threads(1)
    torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    train = DataLoader(TensorDataset(*traces(800)), batch_size=40, shuffle=True)
    test = DataLoader(TensorDataset(*traces(300)), batch_size=100)
    model = WaveStack()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for epoch in range(7):
        model.train()
        total = 0.0
        for x, y in train:
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            total += loss.item()
        print(f"Epoch {epoch + 1}: loss={total / len(train):.4f} test={accuracy(model, test):.4f}")
    print(f"score: {accuracy(model, test):.4f}")


main()
