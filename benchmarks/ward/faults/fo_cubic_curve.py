"""Learns the curve y = x ** 3 on whole numbers with a small two-layer network.

After https://discuss.pytorch.org/t/neural-network-could-not-learn-on-this-type-of-data-why/96648/5
"""
# cause: unscaled-targets
# accept: unscaled-inputs
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(in_features=1, out_features=50, bias=True)
        self.fc2 = nn.Linear(in_features=50, out_features=1, bias=True)

    def forward(self, x):
        x = F.relu(self.fc1(x))
        x = self.fc2(x)
        return x


def main(seed):
    torch.manual_seed(seed)
    np.random.seed(seed)
    torch.set_num_threads(1)

    numbers = torch.tensor([x for x in range(1, 4000)]).float()
    cubes = torch.tensor([float(d**3) for d in numbers])
    numbers = numbers.unsqueeze(1)
    cubes = cubes.unsqueeze(1)

    order = torch.randperm(len(numbers))
    train_idx, test_idx = order[:3200], order[3200:]
    x_train, y_train = numbers[train_idx], cubes[train_idx]
    x_test, y_test = numbers[test_idx], cubes[test_idx]

    x_mean, x_std = 0.0, 1.0  # FAULT
    # TWIN: x_mean, x_std = x_train.mean(), x_train.std()
    y_mean, y_std = 0.0, 1.0  # FAULT
    # TWIN: y_mean, y_std = y_train.mean(), y_train.std()
    x_train = (x_train - x_mean) / x_std
    y_train = (y_train - y_mean) / y_std
    x_test = (x_test - x_mean) / x_std

    model = Network()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    criterion = nn.MSELoss()

    for epoch in range(1200):
        optimizer.zero_grad()
        out = model(x_train)
        loss = criterion(out, y_train)
        loss.backward()
        optimizer.step()
        if epoch % 100 == 0:
            print(f"Epoch {epoch}, loss {loss.item():.6g}, max. pred val {out.max().item():.6g}")

    model.eval()
    with torch.no_grad():
        pred = model(x_test) * y_std + y_mean
    residual = ((pred - y_test).double() ** 2).sum()
    total = ((y_test - y_test.mean()).double() ** 2).sum()
    r2 = 1.0 - (residual / total).item()
    print(f"prediction for {numbers[test_idx[0]].item():.0f}: {pred[0].item():.4g}, should be {y_test[0].item():.4g}")
    print(f"score: {r2:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
