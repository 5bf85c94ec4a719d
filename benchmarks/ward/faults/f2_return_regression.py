"""Regression of standardised daily changes on a few indicators with an MLP.

Fault: the output layer is followed by a ReLU, but half of the targets are negative (Stack Overflow 48251943).
"""
# cause: output-range
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)


class Regressor(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(8, 48)
        self.fc2 = nn.Linear(48, 24)
        self.fc3 = nn.Linear(24, 1)

    def forward(self, x):
        x = torch.relu(self.fc1(x))
        x = torch.relu(self.fc2(x))
        x = torch.relu(self.fc3(x))  # FAULT
        # TWIN: x = self.fc3(x)
        return x


def make_data(seed):
    rng = np.random.RandomState(seed)
    X = rng.randn(1500, 8)
    y = X[:, 0] - 0.7 * X[:, 1] + np.sin(2 * X[:, 2]) + 0.5 * X[:, 3] * X[:, 4] + 0.1 * rng.randn(1500)
    y = (y - y[:1200].mean()) / y[:1200].std()
    return torch.tensor(X, dtype=torch.float32), torch.tensor(y, dtype=torch.float32).view(-1, 1)


def r2(model, x, y):
    model.eval()
    with torch.no_grad():
        residual = ((model(x) - y) ** 2).sum()
    return (1 - residual / ((y - y.mean()) ** 2).sum()).item()


if __name__ == "__main__":
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    x, y = make_data(seed)
    loader = DataLoader(TensorDataset(x[:1200], y[:1200]), batch_size=32, shuffle=True)
    net = Regressor()
    criterion = nn.SmoothL1Loss()
    optimizer = optim.AdamW(net.parameters(), lr=2e-3)
    scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=10, gamma=0.5)
    for epoch in range(25):
        net.train()
        running_loss = 0.0
        for inputs, targets in loader:
            optimizer.zero_grad()
            loss = criterion(net(inputs), targets)
            loss.backward()
            optimizer.step()
            running_loss += loss.item() * len(inputs)
        scheduler.step()
        print(f"[{epoch + 1}] loss: {running_loss / 1200:.4f}  val R2: {r2(net, x[1200:], y[1200:]):.3f}")
    print(f"score: {r2(net, x[1200:], y[1200:]):.4f}")
