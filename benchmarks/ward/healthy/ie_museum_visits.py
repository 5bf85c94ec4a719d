"""Counts of visitors of eighty museums by month and weather: embeddings, a small network and a Poisson likelihood."""

import sys

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

MUSEUMS, MONTHS = 80, 12


def make_data(n, rng):
    popularity = rng.normal(0, 0.9, MUSEUMS)
    outdoor = rng.random(MUSEUMS) < 0.4
    season = 0.5 * np.sin(2 * np.pi * (np.arange(MONTHS) - 3) / 12)
    museum, month = rng.integers(0, MUSEUMS, n), rng.integers(0, MONTHS, n)
    rain, holiday = rng.random(n) * 2 - 1, (rng.random(n) < 0.2).astype(np.float64)
    log_rate = 1.6 + popularity[museum] + season[month] * np.where(outdoor[museum], 1.6, 0.4)
    log_rate += np.where(outdoor[museum], -0.6, 0.4) * rain + 0.5 * holiday
    visits = rng.poisson(np.exp(log_rate))
    numbers = np.stack([rain, holiday], axis=1)
    return (
        torch.as_tensor(museum),
        torch.as_tensor(month),
        torch.as_tensor(numbers, dtype=torch.float32),
        torch.as_tensor(visits, dtype=torch.float32),
    )


class VisitModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.museum = nn.Embedding(MUSEUMS, 12)
        self.month = nn.Embedding(MONTHS, 4)
        nn.init.normal_(self.museum.weight, std=0.3)
        self.net = nn.Sequential(nn.Linear(18, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))

    def forward(self, museum, month, numbers):
        return self.net(torch.cat([self.museum(museum), self.month(month), numbers], dim=1)).squeeze(1)


def deviance_explained(model, data, mean_visits):
    model.eval()
    museum, month, numbers, visits = data
    with torch.no_grad():
        rate = model(museum, month, numbers).exp()

    def deviance(mean):
        ratio = torch.where(visits > 0, visits * torch.log(visits.clamp(min=1) / mean), torch.zeros_like(visits))
        return 2 * (ratio - (visits - mean)).sum().item()

    return 1 - deviance(rate) / deviance(mean_visits.expand_as(visits))


if __name__ == "__main__":
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    everything = make_data(14000, np.random.default_rng(seed))
    train = [column[:12000] for column in everything]
    test = [column[12000:] for column in everything]
    loader = DataLoader(TensorDataset(*train), batch_size=128, shuffle=True, drop_last=True)
    model = VisitModel()
    loss_fn = nn.PoissonNLLLoss(log_input=True)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=1e-2)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=10)
    for epoch in range(10):
        model.train()
        total = 0.0
        for museum, month, numbers, visits in loader:
            loss = loss_fn(model(museum, month, numbers), visits)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        scheduler.step()
        explained = deviance_explained(model, test, train[3].mean())
        print(f"epoch {epoch + 1:2d}  nll {total / len(loader):8.4f}  deviance explained {explained:.4f}")
    print(f"score: {explained:.4f}")
