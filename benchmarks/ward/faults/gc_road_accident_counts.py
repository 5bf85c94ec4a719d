"""Accidents per year on stretches of road, with traffic as exposure: Poisson regression by a network whose log-rate is
added to the logarithm of the vehicle-kilometres. A dataclass of settings, a trainer class, deviance explained.
"""
# cause: overflow
# accept: unstable-loss
# kind: dynamic

import sys
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

torch.set_num_threads(1)


@dataclass
class Config:
    seed: int = 0
    hidden: int = 32
    lr: float = 3e-3
    batch: int = 64
    epochs: int = 14
    weight_decay: float = 1e-3


def roads(n, rng):
    curve, lanes, limit = rng.gamma(1.5, 1.0, n), rng.integers(1, 4, n), rng.choice([50, 70, 100, 120], n)
    rain, lit = rng.beta(2, 3, n), rng.random(n) < 0.4
    exposure = np.exp(rng.normal(1.0, 0.8, n))
    log_rate = -0.6 + 0.35 * np.minimum(curve, 4) + 0.9 * rain * (limit > 80) - 0.3 * (lanes - 1) - 0.5 * lit
    y = rng.poisson(exposure * np.exp(log_rate))
    x = np.column_stack([np.log1p(curve), lanes - 2, (limit - 85) / 27, (rain - 0.4) / 0.2, lit - 0.4])
    return [torch.tensor(a, dtype=torch.float32) for a in (x, np.log(exposure), y)]


def deviance(log_mean, y):
    term = torch.where(y > 0, y * (torch.log(y.clamp(min=1)) - log_mean), torch.zeros_like(y))
    return 2 * (term - y + log_mean.exp()).mean().item()


class Trainer:
    def __init__(self, config, train, valid):
        self.config, self.train_data, self.valid = config, train, valid
        h = config.hidden
        self.model = nn.Sequential(nn.Linear(5, h), nn.GELU(), nn.Linear(h, h), nn.GELU(), nn.Linear(h, 1))
        base = torch.log(train[2].sum() / train[1].exp().sum())
        nn.init.constant_(self.model[-1].bias, base.item())
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=config.lr, weight_decay=config.weight_decay)
        self.scheduler = torch.optim.lr_scheduler.LinearLR(self.optimizer, 1.0, 0.05, config.epochs)
        # TWIN: self.loss_fn = nn.PoissonNLLLoss(log_input=True)

    def log_mean(self, x, log_exposure):
        return self.model(x)[:, 0] + log_exposure

    def epoch(self):
        self.model.train()
        x, log_exposure, y = self.train_data
        total = 0.0
        for idx in torch.randperm(len(y)).split(self.config.batch):
            mean = self.log_mean(x[idx], log_exposure[idx]).exp()  # FAULT
            probability = mean ** y[idx] * torch.exp(-mean) / torch.exp(torch.lgamma(y[idx] + 1))  # FAULT
            loss = -torch.log(probability).mean()  # FAULT
            # TWIN: loss = self.loss_fn(self.log_mean(x[idx], log_exposure[idx]), y[idx])
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            total += loss.item() * len(idx)
        self.scheduler.step()
        return total / len(y)

    @torch.no_grad()
    def explained(self, data):
        self.model.eval()
        x, log_exposure, y = data
        _, train_exposure, train_y = self.train_data
        null = log_exposure + torch.log(train_y.sum() / train_exposure.exp().sum())
        return 1 - deviance(self.log_mean(x, log_exposure), y) / deviance(null, y)

    def fit(self):
        for epoch in range(self.config.epochs):
            print(f"epoch {epoch} nll {self.epoch():.4f} deviance explained {self.explained(self.valid):.4f}")


if __name__ == "__main__":
    config = Config(seed=int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    torch.manual_seed(config.seed)
    rng = np.random.default_rng(config.seed)
    trainer = Trainer(config, roads(5000, rng), roads(800, rng))
    trainer.fit()
    print(f"score: {trainer.explained(roads(2000, rng)):.4f}")
