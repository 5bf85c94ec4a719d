"""Regression on a synthetic house-price-like table with a four-layer MLP, SGD with momentum.

The weights are drawn with standard deviation 1e-3, far too small: the outputs are the bias for hundreds of steps.
"""
# cause: bad-initialization
# accept: vanishing-gradient
# kind: dynamic

import argparse
from itertools import pairwise

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def houses(n, generator):
    area = 40 + 120 * torch.rand(n, generator=generator)
    rooms = (area / 25 + torch.randn(n, generator=generator)).round().clamp(1, 9)
    age = 80 * torch.rand(n, generator=generator)
    distance = 20 * torch.rand(n, generator=generator) ** 2
    price = 30 + 2.2 * area - 0.4 * age + 9 * rooms.sqrt() - 0.12 * area * distance.sqrt()
    price = price * (1 + 0.05 * torch.randn(n, generator=generator))
    return torch.stack([area, rooms, age, distance], 1), price.unsqueeze(1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", type=int, nargs="?", default=0)
    seed = parser.parse_args().seed
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)

    x, y = houses(2000, generator)
    x_train, y_train, x_test, y_test = x[:1600], y[:1600], x[1600:], y[1600:]
    mu_x, sd_x, mu_y, sd_y = x_train.mean(0), x_train.std(0), y_train.mean(), y_train.std()
    x_train, x_test = (x_train - mu_x) / sd_x, (x_test - mu_x) / sd_x
    y_train, y_test = (y_train - mu_y) / sd_y, (y_test - mu_y) / sd_y
    loader = DataLoader(TensorDataset(x_train, y_train), batch_size=40, shuffle=True)

    dims = (4, 64, 64, 32, 1)
    modules = []
    for a, b in pairwise(dims):
        linear = nn.Linear(a, b)
        linear.weight.data.normal_(0, 1e-3)  # FAULT
        # TWIN: linear.weight.data.normal_(0, (2 / a) ** 0.5)
        linear.bias.data.zero_()
        modules += [linear, nn.ReLU()]
    net = nn.Sequential(*modules[:-1])

    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
    loss_fn = nn.MSELoss()
    for epoch in range(1, 13):
        total = 0.0
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = loss_fn(net(xb), yb)
            loss.backward()
            optimizer.step()
            total += loss.item()
        print(f"epoch {epoch:02d} mse {total / len(loader):.4f}")

    with torch.no_grad():
        residual = (net(x_test) - y_test).pow(2).sum() / (y_test - y_test.mean()).pow(2).sum()
    print(f"score: {1 - residual.item():.4f}")


if __name__ == "__main__":
    main()
