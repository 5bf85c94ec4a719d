"""Prices of second-hand tractors: makes and regions as embeddings, standardized numbers, the logarithm of the price as
standardized target; AdamW with a cosine schedule. Score: R squared of the log price on held-out tractors.
"""

import math
import sys
from dataclasses import dataclass

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.set_num_threads(1)


@dataclass
class Config:
    epochs: int = 25
    batch_size: int = 128
    lr: float = 4e-3
    weight_decay: float = 1e-2
    hidden: int = 64


def make_listings(n, generator):
    make = torch.randint(0, 14, (n,), generator=generator)
    region = torch.randint(0, 9, (n,), generator=generator)
    age = torch.rand(n, generator=generator) * 25
    hours = age * 380 * torch.exp(0.5 * torch.randn(n, generator=generator)) + 50
    power = 40 + 200 * torch.rand(n, generator=generator) ** 1.5
    loader = (torch.rand(n, generator=generator) < 0.35).float()
    make_value = 0.25 * torch.randn(14, generator=generator)
    make_wear = 0.05 + 0.03 * torch.rand(14, generator=generator)
    region_value = 0.1 * torch.randn(9, generator=generator)
    log_price = 7.0 + 0.85 * power.log() + make_value[make] + region_value[region] + 0.15 * loader
    log_price = log_price - make_wear[make] * age - 0.25 * (hours / 8000) * (1 + 0.5 * (power > 120))
    log_price = log_price + 0.12 * torch.randn(n, generator=generator)
    return torch.stack([make, region], 1), torch.stack([age, hours.log(), hours / 1e3, power, loader], 1), log_price


class PriceNet(nn.Module):
    def __init__(self, sizes, n_numeric, hidden):
        super().__init__()
        self.embeddings = nn.ModuleList(nn.Embedding(s, min(8, (s + 1) // 2)) for s in sizes)
        width = sum(e.embedding_dim for e in self.embeddings) + n_numeric
        self.mlp = nn.Sequential(
            nn.Linear(width, hidden), nn.ReLU(), nn.Dropout(0.05), nn.Linear(hidden, 32), nn.ReLU(), nn.Linear(32, 1)
        )

    def forward(self, categories, numbers):
        embedded = [e(categories[:, i]) for i, e in enumerate(self.embeddings)]
        return self.mlp(torch.cat([*embedded, numbers], 1)).squeeze(1)


def evaluate(model, loader):
    model.eval()
    with torch.no_grad():
        pairs = [(model(c, x), y) for c, x, y in loader]
    out, y = (torch.cat(part) for part in zip(*pairs, strict=True))
    return (1 - (out - y).pow(2).mean() / y.var()).item()


def train(config, seed):
    torch.manual_seed(seed)
    categories, numbers, target = make_listings(6000, torch.Generator().manual_seed(seed))
    train_set, val_set = random_split(range(6000), [4800, 1200])
    tr, va = list(train_set), list(val_set)
    numbers = (numbers - numbers[tr].mean(0)) / numbers[tr].std(0)
    target = (target - target[tr].mean()) / target[tr].std()
    train_loader = DataLoader(TensorDataset(categories[tr], numbers[tr], target[tr]), config.batch_size, shuffle=True)
    val_loader = DataLoader(TensorDataset(categories[va], numbers[va], target[va]), 400)
    model = PriceNet([14, 9], numbers.shape[1], config.hidden)
    optimizer = torch.optim.AdamW(model.parameters(), lr=config.lr, weight_decay=config.weight_decay)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, config.epochs)
    for epoch in range(config.epochs):
        model.train()
        total = 0.0
        for c, x, y in train_loader:
            loss = nn.functional.mse_loss(model(c, x), y)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            total += loss.item()
        scheduler.step()
        r2 = evaluate(model, val_loader)
        if epoch % 4 == 0 or epoch == config.epochs - 1:
            print(f"{epoch:3d}  rmse {math.sqrt(total / len(train_loader)):.4f}  val R2 {r2:.4f}")
    return r2


if __name__ == "__main__":
    print(f"score: {train(Config(), int(sys.argv[1]) if len(sys.argv) > 1 else 0):.4f}")
