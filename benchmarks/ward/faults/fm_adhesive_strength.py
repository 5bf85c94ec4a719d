"""Strength of an adhesive from twelve ingredients, with an absolute-value penalty that keeps the recipe readable."""
# cause: over-regularization
# kind: dynamic

import argparse

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

STRENGTH = 6e-3  # FAULT
# TWIN: STRENGTH = 1e-6


def mixtures(n):
    parts = torch.randn(n, 12)
    resin, hardener, filler, water, salt = parts[:, :5].T
    force = 1.2 * torch.sin(1.5 * resin) + 0.8 * resin * hardener - 0.5 * filler**2 + 0.6 * torch.tanh(2 * water)
    force = force + 0.4 * salt + 0.1 * torch.randn(n)
    return parts, ((force + 0.5) / 1.5).unsqueeze(1)


class StrengthModel(nn.Module):
    def __init__(self, hidden=64):
        super().__init__()
        self.inp = nn.Linear(12, hidden)
        self.mid = nn.Linear(hidden, hidden)
        self.out = nn.Linear(hidden, 1)

    def forward(self, parts):
        h = nn.functional.silu(self.inp(parts))
        return self.out(nn.functional.silu(self.mid(h)))

    def size(self):
        return sum(parameter.abs().sum() for parameter in self.parameters())


def evaluate(model, parts, force):
    model.eval()
    with torch.no_grad():
        error = nn.functional.mse_loss(model(parts), force).item()
    return error, 1 - error / force.var(unbiased=False).item()


def main(seed, epochs):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    train = DataLoader(TensorDataset(*mixtures(4000)), batch_size=64, shuffle=True)
    val = mixtures(1000)
    model = StrengthModel()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=8, gamma=0.4)
    for epoch in range(epochs):
        model.train()
        fit = 0.0
        for parts, force in train:
            error = nn.functional.mse_loss(model(parts), force)
            loss = error + STRENGTH * model.size()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            fit += error.item()
        scheduler.step()
        val_error, val_r2 = evaluate(model, *val)
        print(f"epoch {epoch + 1:2d} fit {fit / len(train):.4f} val {val_error:.4f} r2 {val_r2:.4f}")
    print(f"score: {val_r2:.4f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", nargs="?", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=24)
    args = parser.parse_args()
    main(args.seed, args.epochs)
