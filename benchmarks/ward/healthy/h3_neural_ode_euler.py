"""Two concentric circles separated by a neural ODE: the plane plus two zero dimensions flows for ten Euler steps
under one shared vector field, then a linear read-out. The same weights are used at every step.
"""

import sys

import torch
import torch.nn as nn
from sklearn.datasets import make_circles

torch.set_num_threads(1)


class Field(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(dim + 1, 32), nn.Tanh(), nn.Linear(32, dim))

    def forward(self, t, z):
        return self.net(torch.cat([z, t.expand(len(z), 1)], dim=1))


class ODENet(nn.Module):
    def __init__(self, extra=2, steps=10):
        super().__init__()
        self.extra, self.steps = extra, steps
        self.field = Field(2 + extra)
        self.readout = nn.Linear(2 + extra, 1)

    def forward(self, x):
        z = torch.cat([x, torch.zeros(len(x), self.extra)], dim=1)
        h = 1.0 / self.steps
        for k in range(self.steps):
            z = z + h * self.field(torch.tensor([[k * h]]), z)
        return self.readout(z).squeeze(1)


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    x, y = make_circles(900, noise=0.08, factor=0.5, random_state=seed)
    x, y = torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)
    x_train, y_train, x_test, y_test = x[:600], y[:600], x[600:], y[600:]
    model = ODENet()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    criterion = nn.BCEWithLogitsLoss()
    for epoch in range(20):
        epoch_loss = 0.0
        for idx in torch.randperm(600).split(50):
            optimizer.zero_grad()
            loss = criterion(model(x_train[idx]), y_train[idx])
            loss.backward()
            optimizer.step()
            epoch_loss += loss.item()
        with torch.no_grad():
            val = ((model(x_test) > 0) == (y_test > 0.5)).float().mean().item()
        print(f"epoch {epoch + 1:02d} loss {epoch_loss / 12:.4f} held-out accuracy {val:.4f}")
    print(f"score: {val:.4f}")


if __name__ == "__main__":
    main()
