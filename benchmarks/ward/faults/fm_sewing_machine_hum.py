"""Six kinds of stitch told apart by the hum of the sewing machine; a small convolutional net and a trainer class."""
# cause: missing-zero-grad
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset


class HumDataset(Dataset):
    LENGTH = 128

    def __init__(self, n, rng):
        t = np.arange(self.LENGTH) / self.LENGTH
        self.stitch = rng.integers(0, 6, n)
        pitch = np.array([6, 6, 9, 9, 13, 13])[self.stitch] + rng.normal(0, 0.4, n)
        beat = np.array([0.1, 0.8, 0.1, 0.8, 0.1, 0.8])[self.stitch]
        phase = rng.uniform(0, 2 * np.pi, (2, n, 1))
        loudness = 1 + beat[:, None] * np.sin(2 * np.pi * 2 * t + phase[0])
        wave = loudness * np.sin(2 * np.pi * pitch[:, None] * t + phase[1])
        wave = wave + rng.normal(0, 0.6, wave.shape)
        self.wave = (wave / wave.std()).astype(np.float32)

    def __len__(self):
        return len(self.wave)

    def __getitem__(self, i):
        return self.wave[i][None], int(self.stitch[i])


class HumNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv1d(1, 16, 9, padding=4),
            nn.ReLU(),
            nn.MaxPool1d(4),
            nn.Conv1d(16, 32, 9, padding=4),
            nn.ReLU(),
            nn.MaxPool1d(4),
        )
        self.classify = nn.Linear(32 * 8, 6)

    def forward(self, wave):
        return self.classify(self.features(wave).flatten(1))


class Trainer:
    def __init__(self, model, train, test, rate=0.02, epochs=15):
        self.model, self.train_loader, self.test_loader = model, train, test
        self.epochs = epochs
        self.loss = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9)

    def run_epoch(self):
        self.model.train()
        self.optimizer.zero_grad()  # FAULT
        total = 0.0
        for wave, stitch in self.train_loader:
            loss = self.loss(self.model(wave), stitch)
            # TWIN: self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            total += loss.item()
        return total / len(self.train_loader)

    @torch.no_grad()
    def test(self):
        self.model.eval()
        hits = [(self.model(wave).argmax(1) == stitch).float() for wave, stitch in self.test_loader]
        return torch.cat(hits).mean().item()

    def fit(self):
        for epoch in range(self.epochs):
            loss = self.run_epoch()
            print(f"[{epoch + 1:02d}] loss {loss:.4f} accuracy {self.test():.4f}")
        return self.test()


if __name__ == "__main__":
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    train_loader = DataLoader(HumDataset(2400, rng), batch_size=48, shuffle=True)
    test_loader = DataLoader(HumDataset(800, rng), batch_size=200)
    print(f"score: {Trainer(HumNet(), train_loader, test_loader).fit():.4f}")
