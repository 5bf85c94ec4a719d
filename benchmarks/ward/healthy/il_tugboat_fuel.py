"""Fuel a tugboat burns in an hour from speed, tow, wind, current, hull age and load: a dense network on scaled data."""

import argparse
import math

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split


def logbook(count):
    speed, tow, wind = 4 + 8 * torch.rand(count), 900 * torch.rand(count), 15 * torch.rand(count)
    angle, age, draught = 2 * math.pi * torch.rand(count), 30 * torch.rand(count), 2 + 3 * torch.rand(count)
    fuel = 0.08 * speed**3 * (1 + 0.01 * age) + 0.12 * tow * (speed / 8) + 4 * wind * torch.cos(angle).clamp(min=0)
    fuel = fuel + 15 * draught + 6 * torch.randn(count)
    return torch.stack([speed, tow, wind, torch.cos(angle), torch.sin(angle), age, draught], 1), fuel.unsqueeze(1)


class Standard:
    def __init__(self, values):
        self.mean, self.std = values.mean(0), values.std(0)

    def __call__(self, values):
        return (values - self.mean) / self.std


def main(args):
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    columns, fuel = logbook(4000)
    train, test = random_split(range(4000), [3200, 800])
    train, test = torch.tensor(list(train)), torch.tensor(list(test))
    scale_x, scale_y = Standard(columns[train]), Standard(fuel[train])
    loader = DataLoader(
        TensorDataset(scale_x(columns[train]), scale_y(fuel[train])), batch_size=args.batch_size, shuffle=True
    )
    test_x, test_y = scale_x(columns[test]), scale_y(fuel[test])
    model = nn.Sequential(
        nn.Linear(7, args.hidden), nn.ReLU(), nn.Linear(args.hidden, args.hidden), nn.ReLU(), nn.Linear(args.hidden, 1)
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.92)
    for epoch in range(args.epochs):
        model.train()
        running = 0.0
        for x, y in loader:
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(x), y)
            loss.backward()
            optimizer.step()
            running += loss.item() * len(x)
        scheduler.step()
        model.eval()
        with torch.no_grad():
            r2 = 1 - (nn.functional.mse_loss(model(test_x), test_y) / test_y.var()).item()
        print(f"epoch {epoch + 1:2d}  train {running / len(train):.4f}  R2 {r2:.4f}")
    print(f"score: {r2:.4f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", type=int, nargs="?", default=0)
    parser.add_argument("--hidden", type=int, default=64)
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--batch-size", type=int, default=64)
    main(parser.parse_args())
