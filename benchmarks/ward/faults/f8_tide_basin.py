"""The level of a tidal basin from wind, moon and pressure: a network of four layers, widths from the command line."""
# cause: missing-nonlinearity
# accept: underfitting
# kind: dynamic

import argparse
import math

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def stack(widths):
    layers = []
    for i, (inputs, outputs) in enumerate(zip(widths, widths[1:], strict=False)):
        layers.append(nn.Linear(inputs, outputs))
        if i < len(widths) - 2:
            layers.append(nn.BatchNorm1d(outputs))
            # TWIN: layers.append(nn.SiLU())
    return nn.Sequential(*layers)


def basin(n):
    moon = 2 * math.pi * torch.rand(n)
    wind, pressure = torch.randn(n), torch.randn(n)
    level = torch.sin(2 * moon) * (1 + 0.3 * wind) + 0.5 * wind.abs() - 0.3 * wind * pressure
    x = torch.stack([(moon - math.pi) / 1.81, wind, pressure], 1)
    return x, ((level - 0.4) / 0.9 + 0.15 * torch.randn(n)).unsqueeze(1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", type=int, nargs="?", default=0)
    parser.add_argument("--widths", type=int, nargs="+", default=[3, 64, 64, 32, 1])
    parser.add_argument("--epochs", type=int, default=25)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)

    train = DataLoader(TensorDataset(*basin(2000)), batch_size=50, shuffle=True)
    x_test, y_test = basin(500)
    net = stack(args.widths)
    optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
    criterion = nn.SmoothL1Loss()
    for epoch in range(args.epochs):
        net.train()
        for x, y in train:
            optimizer.zero_grad()
            loss = criterion(net(x), y)
            loss.backward()
            optimizer.step()
        scheduler.step()
        net.eval()
        with torch.no_grad():
            out = net(x_test)
            r2 = 1 - ((out - y_test) ** 2).mean() / y_test.var()
        if (epoch + 1) % 5 == 0:
            print(f"epoch {epoch + 1} loss {criterion(out, y_test).item():.4f} r2 {r2.item():.4f}")
    print(f"score: {r2.item():.4f}")


if __name__ == "__main__":
    main()
