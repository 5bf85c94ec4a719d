"""Colour of bottle glass from a small photograph. A dataset class with transforms of its own, loaders by a helper."""
# cause: train-validation-mismatch
# kind: dynamic

import sys
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


@dataclass
class Config:
    classes: int = 6
    epochs: int = 8
    batch: int = 32
    lr: float = 2e-3
    mean: float = 120.0
    std: float = 60.0


class Compose:
    def __init__(self, *steps):
        self.steps = steps

    def __call__(self, x):
        for step in self.steps:
            x = step(x)
        return x


class ToFloat:
    def __call__(self, x):
        return torch.from_numpy(x).float().permute(2, 0, 1)


class Standardize:
    def __init__(self, mean, std):
        self.mean, self.std = mean, std

    def __call__(self, x):
        return (x - self.mean) / self.std


class Bottles(Dataset):
    def __init__(self, n, cfg, rng, transform=None):
        palette = np.random.default_rng(7).uniform(60, 190, (cfg.classes, 3))
        self.labels = rng.integers(0, cfg.classes, n)
        pixels = palette[self.labels][:, None, None] + rng.normal(0, 55, (n, 8, 8, 3))
        self.images = pixels.clip(0, 255).astype(np.uint8)
        self.transform = transform

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        image = self.images[i]
        return (self.transform(image) if self.transform else image), int(self.labels[i])


def make_loader(cfg, rng, train):
    if train:
        data = Bottles(1200, cfg, rng, Compose(ToFloat(), Standardize(cfg.mean, cfg.std)))
        return DataLoader(data, batch_size=cfg.batch, shuffle=True)
    data = Bottles(400, cfg, rng, Compose(ToFloat()))  # FAULT
    # TWIN: data = Bottles(400, cfg, rng, Compose(ToFloat(), Standardize(cfg.mean, cfg.std)))
    return DataLoader(data, batch_size=200)


class Trainer:
    def __init__(self, cfg, seed):
        rng = np.random.default_rng(seed)
        self.cfg = cfg
        self.train_loader, self.val_loader = make_loader(cfg, rng, True), make_loader(cfg, rng, False)
        self.model = nn.Sequential(
            nn.Conv2d(3, 16, 3), nn.Tanh(), nn.Conv2d(16, 16, 3), nn.Tanh(), nn.Flatten(), nn.Linear(256, cfg.classes)
        )
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=cfg.lr)
        self.criterion = nn.CrossEntropyLoss()

    def run_epoch(self):
        for x, y in self.train_loader:
            self.optimizer.zero_grad()
            loss = self.criterion(self.model(x), y)
            loss.backward()
            self.optimizer.step()

    @torch.no_grad()
    def validate(self):
        hits = [(self.model(x).argmax(1) == y).float().sum().item() for x, y in self.val_loader]
        return sum(hits) / len(self.val_loader.dataset)

    def fit(self):
        for epoch in range(self.cfg.epochs):
            self.run_epoch()
            print(f"epoch {epoch}: {self.validate():.3f}")


seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
torch.set_num_threads(1)
trainer = Trainer(Config(), seed)
trainer.fit()
print(f"score: {trainer.validate():.4f}")
