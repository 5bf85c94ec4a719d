"""How people go to work (car, train, bicycle, on foot) from a household survey: embeddings and a small MLP."""

import sys
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split


@dataclass
class Settings:
    rows: int = 6000
    districts: int = 25
    jobs: int = 8
    hidden: int = 48
    dropout: float = 0.1
    batch: int = 128
    epochs: int = 12
    lr: float = 3e-3


def survey(s, rng):
    district, job = rng.integers(0, s.districts, s.rows), rng.integers(0, s.jobs, s.rows)
    km = rng.gamma(1.5, 5.0, s.rows)
    age = rng.uniform(18, 66, s.rows)
    cars = rng.poisson(0.9, s.rows)
    station = rng.normal(size=s.districts)[district]
    shifts = (rng.random(s.jobs) < 0.3)[job]
    utility = np.stack(
        [
            1.2 * np.minimum(cars, 2) + 0.06 * km + 1.5 * shifts - 1.0,
            1.4 * station + 0.12 * km - 0.6 * shifts - 0.8,
            2.2 - 0.22 * km - 0.02 * (age - 40),
            2.6 - 0.8 * km,
        ],
        axis=1,
    )
    mode = (2.0 * utility + rng.gumbel(size=utility.shape)).argmax(1)
    numbers = np.column_stack([np.log1p(km), age, cars])
    numbers = (numbers - numbers.mean(0)) / numbers.std(0)
    categories = np.column_stack([district, job])
    return TensorDataset(torch.from_numpy(categories), torch.from_numpy(numbers).float(), torch.from_numpy(mode))


class ModeChoice(nn.Module):
    def __init__(self, s):
        super().__init__()
        self.district = nn.Embedding(s.districts, 6)
        self.job = nn.Embedding(s.jobs, 3)
        self.mlp = nn.Sequential(
            nn.Linear(6 + 3 + 3, s.hidden), nn.ReLU(), nn.Dropout(s.dropout), nn.Linear(s.hidden, 4)
        )

    def forward(self, categories, numbers):
        parts = [self.district(categories[:, 0]), self.job(categories[:, 1]), numbers]
        return self.mlp(torch.cat(parts, dim=1))


class Trainer:
    def __init__(self, model, settings):
        self.model = model
        self.settings = settings
        self.optimizer = torch.optim.AdamW(model.parameters(), lr=settings.lr, weight_decay=1e-2)
        self.criterion = nn.CrossEntropyLoss()
        self.log = []

    def train_epoch(self, loader):
        self.model.train()
        total = 0.0
        for categories, numbers, mode in loader:
            self.optimizer.zero_grad()
            loss = self.criterion(self.model(categories, numbers), mode)
            loss.backward()
            self.optimizer.step()
            total += loss.item()
        return total / len(loader)

    @torch.no_grad()
    def validate(self, loader):
        self.model.eval()
        hits = [self.model(c, n).argmax(1) == mode for c, n, mode in loader]
        return torch.cat(hits).float().mean().item()

    def fit(self, train_loader, val_loader):
        for epoch in range(self.settings.epochs):
            self.log.append((self.train_epoch(train_loader), self.validate(val_loader)))
            print(f"epoch {epoch + 1:2d}  loss {self.log[-1][0]:.4f}  accuracy {self.log[-1][1]:.4f}")
        return self.log[-1][1]


if __name__ == "__main__":
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    settings = Settings()
    data = survey(settings, np.random.default_rng(seed))
    train_set, val_set = random_split(data, [5000, 1000])
    train_loader = DataLoader(train_set, batch_size=settings.batch, shuffle=True)
    val_loader = DataLoader(val_set, batch_size=500)
    accuracy = Trainer(ModeChoice(settings), settings).fit(train_loader, val_loader)
    print(f"score: {accuracy:.4f}")
