"""Scanned digits with smoothed labels: the loss cannot come near zero and is not meant to."""

import sys

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def data(seed):
    digits = load_digits()
    order = np.random.default_rng(seed).permutation(len(digits.target))
    x = torch.tensor(digits.images[order], dtype=torch.float32).unsqueeze(1)
    y = torch.tensor(digits.target[order])
    x = (x / 16 - 0.305) / 0.376
    return TensorDataset(x[:1400], y[:1400]), TensorDataset(x[1400:], y[1400:])


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU()
        )
        self.head = nn.Linear(32 * 16, 10)

    def forward(self, x):
        return self.head(self.features(x).flatten(1))


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    train, test = data(seed)
    loader = DataLoader(train, batch_size=50, shuffle=True)
    x_test, y_test = test[:]
    net = Net()
    criterion = nn.CrossEntropyLoss(label_smoothing=0.2)
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    for epoch in range(8):
        net.train()
        for x, y in loader:
            loss = criterion(net(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        net.eval()
        with torch.no_grad():
            out = net(x_test)
        accuracy = (out.argmax(1) == y_test).float().mean().item()
        print(f"epoch {epoch} loss {loss.item():.4f} test {criterion(out, y_test).item():.4f} accuracy {accuracy:.4f}")
    print(f"score: {accuracy:.4f}")


main()
