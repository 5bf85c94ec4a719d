"""Names nine minerals from their spectral lines with a one-dimensional CNN. The criterion was changed from cross
entropy to NLLLoss when class weights were wanted and later dropped."""
# cause: loss-output-mismatch
# accept: missing-log
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

MINERALS, CHANNELS = 9, 48


class Spectra(Dataset):
    def __init__(self, n, book, rng):
        self.mineral = rng.integers(0, MINERALS, n)
        strength = rng.uniform(0.6, 1.4, (n, book.shape[1]))
        grid = np.arange(CHANNELS)
        lines = strength[..., None] * np.exp(-0.5 * ((grid - book[self.mineral][..., None]) / 1.2) ** 2)
        spectrum = lines.sum(axis=1) + rng.normal(0, 0.35, (n, CHANNELS))
        self.spectrum = torch.tensor((spectrum - 0.25) / 0.55, dtype=torch.float32).unsqueeze(1)

    def __len__(self):
        return len(self.mineral)

    def __getitem__(self, i):
        return self.spectrum[i], int(self.mineral[i])


class LineNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv1d(1, 16, 5, padding=2),
            nn.BatchNorm1d(16),
            nn.ReLU(),
            nn.MaxPool1d(2),
            nn.Conv1d(16, 24, 3, padding=1),
            nn.BatchNorm1d(24),
            nn.ReLU(),
            nn.MaxPool1d(2),
        )
        self.classifier = nn.Linear(24 * CHANNELS // 4, MINERALS)

    def forward(self, x):
        return self.classifier(self.features(x).flatten(1))


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    book = rng.uniform(4, CHANNELS - 4, (MINERALS, 4))
    train = DataLoader(Spectra(1500, book, rng), batch_size=50, shuffle=True)
    test = DataLoader(Spectra(450, book, rng), batch_size=150)
    net = LineNet()
    criterion = nn.NLLLoss()  # FAULT
    # TWIN: criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    for epoch in range(7):
        net.train()
        total = 0.0
        for x, y in train:
            optimizer.zero_grad()
            loss = criterion(net(x), y)
            loss.backward()
            optimizer.step()
            total += loss.item()
        net.eval()
        with torch.no_grad():
            right = sum((net(x).argmax(1) == y).sum().item() for x, y in test) / len(test.dataset)
        print(f"epoch {epoch} loss {total / len(train):.4f} right {right:.4f}")
    print(f"score: {right:.4f}")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
