"""Regression of robot-arm height on joint angles with a configurable number of hidden layers.

Fault: the hidden layers sit in a plain python list, so they are no parameters of the module.
"""
# cause: unregistered-parameters
# kind: dynamic

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)


class DeepRegressor(nn.Module):
    def __init__(self, n_in, width, depth):
        super().__init__()
        self.first = nn.Linear(n_in, width)
        self.hidden = [nn.Linear(width, width) for _ in range(depth)]  # FAULT
        # TWIN: self.hidden = nn.ModuleList(nn.Linear(width, width) for _ in range(depth))
        self.last = nn.Linear(width, 1)

    def forward(self, x):
        x = F.silu(self.first(x))
        for layer in self.hidden:
            x = F.silu(layer(x))
        return self.last(x)


def arm(n):
    angles = (torch.rand(n, 4) * 2 - 1) * torch.pi * 0.75
    heights = torch.sin(torch.cumsum(angles, dim=1)).sum(dim=1, keepdim=True)
    return angles, heights


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    x_train, y_train = arm(4000)
    x_test, y_test = arm(600)
    model = DeepRegressor(4, 32, depth=3)
    optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.93)
    for epoch in range(20):
        running = 0.0
        for idx in torch.randperm(len(x_train)).split(64):
            loss = F.mse_loss(model(x_train[idx]), y_train[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            running += loss.item() * len(idx)
        scheduler.step()
        with torch.no_grad():
            test_loss = F.mse_loss(model(x_test), y_test).item()
        print(f"epoch {epoch + 1:2d} | train {running / len(x_train):.4f} | test {test_loss:.4f}")
    print(f"score: {1 - test_loss / y_test.var().item():.4f}")


if __name__ == "__main__":
    main()
