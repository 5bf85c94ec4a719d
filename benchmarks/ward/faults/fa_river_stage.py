"""River stage from upstream gauges: a network of self-made layers, L2 loss, RMSprop."""
# cause: symmetric-initialization
# kind: dynamic

import math
import sys

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Affine(nn.Module):
    """A fully connected layer, parameters and all."""

    def __init__(self, n_in, n_out):
        super().__init__()
        self.weight = nn.Parameter(torch.full((n_in, n_out), 1.0 / n_in))  # FAULT
        # TWIN: self.weight = nn.Parameter(torch.randn(n_in, n_out) / math.sqrt(n_in))
        self.bias = nn.Parameter(torch.zeros(n_out))

    def forward(self, x):
        return x @ self.weight + self.bias


class StageNet(nn.Module):
    def __init__(self, gauges, width):
        super().__init__()
        self.first = Affine(gauges, width)
        self.second = Affine(width, width)
        self.last = Affine(width, 1)

    def forward(self, x):
        h = torch.tanh(self.first(x))
        h = torch.tanh(self.second(h))
        return self.last(h).squeeze(-1)


def season(n):
    """Gauges are log levels, already standardized; two of them interact through a weir that opens and closes."""
    x = torch.randn(n, 8)
    weir = torch.sigmoid(4 * x[:, 0])
    stage = weir * x[:, 1] + (1 - weir) * x[:, 2] + 0.7 * torch.sin(2 * x[:, 3]) + 0.4 * x[:, 4] * x[:, 5]
    stage = stage + 0.3 * x[:, 6] + 0.1 * torch.randn(n)
    return x, stage / math.sqrt(1.2)


def fit(net, loader, val, epochs, lr):
    optimizer = torch.optim.RMSprop(net.parameters(), lr=lr)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs)
    criterion = nn.MSELoss()
    history = []
    for _ in range(epochs):
        net.train()
        train_loss = 0.0
        for x, stage in loader:
            optimizer.zero_grad()
            loss = criterion(net(x), stage)
            loss.backward()
            optimizer.step()
            train_loss += loss.item() / len(loader)
        scheduler.step()
        net.eval()
        with torch.no_grad():
            history.append((train_loss, criterion(net(val[0]), val[1]).item()))
    return history


if __name__ == "__main__":
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    train, val = season(5000), season(1000)
    net = StageNet(8, 48)
    history = fit(net, DataLoader(TensorDataset(*train), batch_size=50, shuffle=True), val, epochs=24, lr=2e-3)
    for epoch, (train_loss, val_loss) in enumerate(history):
        if epoch % 4 == 3:
            print(f"{epoch + 1:3d}  train {train_loss:.4f}  validation {val_loss:.4f}")
    print(f"score: {1 - history[-1][1] / val[1].var().item():.4f}")
