"""Landslide within the next day or not, from three days of rain and slope tilt, with a one-dimensional CNN.

Grown out of a script that told six kinds of slope apart; the head was cut down to the one question that matters.
"""
# cause: softmax-single-unit
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

HOURS = 72


def slopes(n, rng):
    rain = rng.gamma(0.6, 1.0, (n, HOURS))
    tilt = np.cumsum(rng.normal(0, 0.05, (n, HOURS)), axis=1)
    creep = rng.random(n) < 0.5
    tilt += creep[:, None] * np.linspace(0, 1, HOURS) ** 3 * rng.uniform(1, 2.5, (n, 1))
    late_rain = rain[:, -24:].mean(axis=1)
    danger = 3.0 * (late_rain - 0.6) + 2.5 * (creep - 0.5) + rng.normal(0, 0.3, n)
    x = np.stack([(rain - 0.6) / 0.8, tilt / 1.2], axis=1)
    return torch.tensor(x, dtype=torch.float32), torch.tensor(danger > 0, dtype=torch.float32)


class SlopeNet(nn.Module):
    def __init__(self, channels=24):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv1d(2, channels, 7, stride=2, padding=3),
            nn.ReLU(),
            nn.Conv1d(channels, channels, 5, stride=2, padding=2),
            nn.ReLU(),
            nn.AvgPool1d(6),
            nn.Flatten(),
        )
        self.classifier = nn.Linear(channels * 3, 1)

    def forward(self, x):
        score = self.classifier(self.features(x))
        return torch.softmax(score, dim=1).squeeze(1)  # FAULT
        # TWIN: return torch.sigmoid(score).squeeze(1)


class Trainer:
    def __init__(self, model, lr=2e-3):
        self.model = model
        self.criterion = nn.BCELoss()
        self.optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=1e-3)
        self.history = []

    def train_epoch(self, loader):
        self.model.train()
        losses = []
        for x, y in loader:
            loss = self.criterion(self.model(x), y)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            losses.append(loss.item())
        return float(np.mean(losses))

    @torch.no_grad()
    def balanced_accuracy(self, loader):
        self.model.eval()
        pairs = [(self.model(x) > 0.5, y > 0.5) for x, y in loader]
        guess, truth = (torch.cat(part) for part in zip(*pairs, strict=True))
        return 0.5 * (guess[truth].float().mean() + (~guess[~truth]).float().mean()).item()

    def fit(self, train, val, epochs):
        for epoch in range(epochs):
            self.history.append((self.train_epoch(train), self.balanced_accuracy(val)))
            print(f"[{epoch + 1:02d}] loss {self.history[-1][0]:.4f}  balanced accuracy {self.history[-1][1]:.4f}")


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    train = DataLoader(TensorDataset(*slopes(3000, rng)), batch_size=64, shuffle=True)
    val = DataLoader(TensorDataset(*slopes(800, rng)), batch_size=200)
    trainer = Trainer(SlopeNet())
    trainer.fit(train, val, epochs=10)
    print(f"score: {trainer.history[-1][1]:.4f}")


if __name__ == "__main__":
    main()
