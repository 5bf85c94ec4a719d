"""Who is at the door? Knock patterns (a short vibration trace) of five people, by a one-dimensional CNN.

The settings come from the team's recipe for fine-tuning the large speech model, which works nicely there.
"""
# cause: learning-rate-too-low
# accept: under-trained
# kind: dynamic

import sys
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


@dataclass
class Settings:
    epochs: int = 10
    batch_size: int = 64
    weight_decay: float = 0.01
    learning_rate: float = 1e-5  # FAULT
    # TWIN: learning_rate: float = 1e-3


RHYTHMS = [[0, 12, 24], [0, 8, 30], [0, 20, 26], [0, 16, 32, 40], [0, 10, 20, 38]]
TONES = [0.5, 0.6, 0.55, 0.45, 0.65]


def knocks(n, rng):
    time = np.arange(96)
    who = rng.integers(0, 5, n)
    traces = 0.35 * rng.normal(size=(n, 96))
    for i, person in enumerate(who):
        begin, tempo = rng.integers(2, 30), rng.uniform(0.95, 1.1)
        for beat in RHYTHMS[person]:
            since = time - (begin + beat * tempo)
            ring = np.exp(-np.clip(since, 0, None) / 3) * np.cos(TONES[person] * 2 * np.pi * since / 3) * (since >= 0)
            traces[i] += rng.uniform(0.9, 1.6) * ring
    traces = (traces - traces.mean(1, keepdims=True)) / traces.std(1, keepdims=True)
    return TensorDataset(torch.tensor(traces[:, None], dtype=torch.float32), torch.tensor(who))


class KnockNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv1d(1, 16, 7, padding=3),
            nn.ReLU(),
            nn.MaxPool1d(2),
            nn.Conv1d(16, 32, 7, padding=3),
            nn.ReLU(),
            nn.MaxPool1d(2),
            nn.Conv1d(32, 48, 9, padding=4),
            nn.ReLU(),
        )
        self.head = nn.Linear(48, 5)

    def forward(self, x):
        return self.head(self.features(x).amax(2))


def accuracy(model, loader):
    model.eval()
    right = 0
    with torch.no_grad():
        for x, y in loader:
            right += (model(x).argmax(1) == y).sum().item()
    return right / len(loader.dataset)


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    cfg = Settings()
    train = DataLoader(knocks(4000, rng), cfg.batch_size, shuffle=True)
    valid = DataLoader(knocks(1000, rng), 500)
    model = KnockNet()
    optimizer = torch.optim.AdamW(model.parameters(), lr=cfg.learning_rate, weight_decay=cfg.weight_decay)
    for epoch in range(cfg.epochs):
        model.train()
        losses = []
        for x, y in train:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        print(f"{epoch + 1}/{cfg.epochs} loss {np.mean(losses):.4f} valid accuracy {accuracy(model, valid):.4f}")
    print(f"score: {accuracy(model, valid):.4f}")


main()
