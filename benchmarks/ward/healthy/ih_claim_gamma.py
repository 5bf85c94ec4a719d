"""Size of motor claims: a gamma likelihood with mean and shape from the network; much of the spread is plain chance."""

import argparse

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def claims(n, rng):
    speed = rng.uniform(-1, 1, n)
    car = rng.uniform(-1, 1, n)
    age = rng.uniform(-1, 1, n)
    town = rng.integers(0, 2, n) * 2.0 - 1
    log_mean = -1.6 + 0.9 * speed + 0.6 * car * speed + 0.5 * age**2 + 0.2 * town
    shape = np.exp(0.9 - 0.5 * town)
    amount = rng.gamma(shape, np.exp(log_mean) / shape)  # in ten thousands: most are far below 1
    x = np.column_stack([speed, car, age, town])
    return torch.tensor(x, dtype=torch.float32), torch.tensor(amount, dtype=torch.float32).clamp_min(1e-4), log_mean


class GammaNet(nn.Module):
    def __init__(self, inputs, width):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(inputs, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU())
        self.log_mean, self.log_shape = nn.Linear(width, 1), nn.Linear(width, 1)

    def forward(self, x):
        h = self.body(x)
        return self.log_mean(h).squeeze(1), self.log_shape(h).squeeze(1)


def deviance(log_mean, log_shape, amount):
    """Negative log-likelihood of the gamma distribution; a density may exceed 1, so it may be below zero."""
    shape = log_shape.exp()
    log_rate = log_shape - log_mean
    log_p = shape * log_rate - torch.lgamma(shape) + (shape - 1) * amount.log() - log_rate.exp() * amount
    return -log_p.mean()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", nargs="?", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=20)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)
    x, amount, _ = claims(6000, rng)
    x_test, amount_test, truth = claims(1500, rng)
    loader = DataLoader(TensorDataset(x, amount), batch_size=100, shuffle=True)
    model = GammaNet(4, 32)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, args.epochs)
    for epoch in range(args.epochs):
        model.train()
        for inputs, targets in loader:
            loss = deviance(*model(inputs), targets)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 2.0)
            optimizer.step()
        scheduler.step()
        model.eval()
        with torch.no_grad():
            log_mean, log_shape = model(x_test)
            print(f"epoch {epoch + 1}: held-out loss {deviance(log_mean, log_shape, amount_test).item():.4f}")
    truth = torch.tensor(truth, dtype=torch.float32)
    error = (log_mean - truth).square().mean() / truth.var()
    print(f"score: {1 - error.item():.4f}")


if __name__ == "__main__":
    main()
