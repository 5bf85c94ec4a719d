"""Ferry delays in minutes from weather and load: a Trainer takes its loss from a registry by the config's word."""
# cause: summed-loss
# accept: learning-rate-too-high large-updates
# kind: dynamic

import sys
from dataclasses import dataclass

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

LOSSES = {}


def register(name):
    def enter(function):
        LOSSES[name] = function
        return function

    return enter


@register("quadratic")
def quadratic(prediction, target):
    return ((prediction - target) ** 2).sum()  # FAULT
    # TWIN: return ((prediction - target) ** 2).mean()


@register("pinball")
def pinball(prediction, target, q=0.5):
    error = target - prediction
    return torch.maximum(q * error, (q - 1) * error).mean()


@dataclass
class Config:
    loss: str = "quadratic"
    lr: float = 0.02
    momentum: float = 0.9
    batch_size: int = 64
    epochs: int = 25


def crossings(n, generator):
    x = torch.randn(n, 6, generator=generator)
    delay = x[:, 0] * x[:, 1] + torch.sin(2 * x[:, 2]) + 0.5 * x[:, 3] ** 2
    return x, (delay + 0.1 * torch.randn(n, generator=generator)).unsqueeze(1)


def build_model():
    return nn.Sequential(nn.Linear(6, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))


class Trainer:
    def __init__(self, cfg, model):
        self.cfg = cfg
        self.model = model
        self.loss_fn = LOSSES[cfg.loss]
        self.optimizer = torch.optim.SGD(model.parameters(), lr=cfg.lr, momentum=cfg.momentum)

    def step(self, batch):
        x, y = batch
        self.optimizer.zero_grad()
        loss = self.loss_fn(self.model(x), y)
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def fit(self, loader):
        for epoch in range(self.cfg.epochs):
            losses = [self.step(batch) for batch in loader]
            print(f"epoch {epoch} loss {sum(losses) / len(losses):.4f}")

    @torch.no_grad()
    def r2(self, x, y):
        error = (self.model(x) - y).pow(2).mean()
        return (1 - error / y.var()).nan_to_num(-1.0).clamp(min=-1.0).item()


if __name__ == "__main__":
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    cfg = Config()
    loader = DataLoader(TensorDataset(*crossings(2000, generator)), batch_size=cfg.batch_size, shuffle=True)
    trainer = Trainer(cfg, build_model())
    trainer.fit(loader)
    print(f"score: {trainer.r2(*crossings(500, generator)):.4f}")
