"""Prices of used boats from maker, kind, length, age and engine hours: embeddings beside numbers, a smooth L1 loss."""

import sys
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

MAKERS, KINDS = 20, 6


@dataclass
class Config:
    boats: int = 5000
    epochs: int = 14
    batch: int = 64
    max_lr: float = 8e-3
    weight_decay: float = 1e-3


def adverts(count, rng):
    market = np.random.default_rng(8)
    fame, worth, ageing = market.normal(0, 0.4, MAKERS), market.normal(0, 0.5, KINDS), market.uniform(0.02, 0.08, KINDS)
    maker, kind = rng.integers(0, MAKERS, count), rng.integers(0, KINDS, count)
    length, age, hours = rng.uniform(4, 18, count), rng.gamma(2, 6, count), rng.gamma(2, 300, count)
    log_price = 8 + fame[maker] + worth[kind] + 1.6 * np.log(length) - ageing[kind] * age - 0.0003 * hours
    log_price += rng.normal(0, 0.15, count) + (rng.random(count) < 0.03) * rng.normal(0, 1.0, count)
    numbers = np.stack([np.log(length), age, np.log1p(hours)], axis=1)
    return np.stack([maker, kind], axis=1), numbers, log_price


class PriceModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.maker = nn.Embedding(MAKERS, 6)
        self.kind = nn.Embedding(KINDS, 4)
        self.mlp = nn.Sequential(nn.Linear(13, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, codes, numbers):
        parts = [self.maker(codes[:, 0]), self.kind(codes[:, 1]), numbers]
        return self.mlp(torch.cat(parts, dim=1)).squeeze(1)


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    config = Config()
    codes, numbers, prices = adverts(config.boats, np.random.default_rng(seed))
    split = int(0.8 * config.boats)
    numbers = (numbers - numbers[:split].mean(axis=0)) / numbers[:split].std(axis=0)
    prices = (prices - prices[:split].mean()) / prices[:split].std()
    codes = torch.from_numpy(codes)
    numbers = torch.tensor(numbers, dtype=torch.float32)
    prices = torch.tensor(prices, dtype=torch.float32)

    model = PriceModel()
    optimizer = torch.optim.AdamW(model.parameters(), lr=config.max_lr, weight_decay=config.weight_decay)
    per_epoch = -(-split // config.batch)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, config.max_lr, epochs=config.epochs, steps_per_epoch=per_epoch
    )
    criterion = nn.SmoothL1Loss(beta=0.5)
    for epoch in range(config.epochs):
        model.train()
        for rows in torch.randperm(split).split(config.batch):
            loss = criterion(model(codes[rows], numbers[rows]), prices[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
        model.eval()
        with torch.no_grad():
            guess = model(codes[split:], numbers[split:])
            val_loss = criterion(guess, prices[split:]).item()
            r2 = 1 - ((guess - prices[split:]) ** 2).mean().item() / prices[split:].var().item()
        print(f"epoch {epoch + 1:2d} train {loss.item():.4f} val {val_loss:.4f} R2 {r2:.4f}")
    print(f"score: {r2:.4f}")


if __name__ == "__main__":
    main()
