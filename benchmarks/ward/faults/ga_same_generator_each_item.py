"""Instruments by their spectrum. Training spectra are shifted, scaled, half of them blanked in two bands, and noisy;
those of the test are clean, so that training accuracy stays below the test's."""
# cause: duplicate-augmentation
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Spectra(Dataset):
    def __init__(self, n, rng, timbres, augment=False):
        self.y = rng.integers(0, 6, n)
        pitch = rng.integers(0, 4, n)
        grid = np.arange(48)
        self.x = np.zeros((n, 48), dtype=np.float32)
        for h in range(5):
            center = (h + 1) * (6 + 0.6 * pitch)[:, None]
            self.x += timbres[self.y, h][:, None] * np.exp(-((grid - center) ** 2) / 3)
        self.x += 0.1 * rng.normal(size=self.x.shape)
        self.x -= 0.35
        self.augment = augment

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        x = torch.from_numpy(self.x[i])
        if self.augment:
            # TWIN: x = x.roll(int(torch.randint(-2, 3, ()))) * (0.7 + 0.6 * torch.rand(()))
            # TWIN: x = x + 0.25 * torch.randn(48)
            # TWIN: if torch.rand(()) < 0.5:
            g = torch.Generator().manual_seed(42)  # FAULT
            x = x.roll(int(torch.randint(-2, 3, (), generator=g))) * (0.7 + 0.6 * torch.rand((), generator=g))  # FAULT
            x = x + 0.25 * torch.randn(48, generator=g)  # FAULT
            if torch.rand((), generator=g) < 0.5:  # FAULT
                for _ in range(2):
                    # TWIN: start = int(torch.randint(0, 41, ()))
                    start = int(torch.randint(0, 41, (), generator=g))  # FAULT
                    x[start : start + 7] = -0.35
        return x.unsqueeze(0), int(self.y[i])


def accuracy(model, data):
    model.eval()
    with torch.no_grad():
        return (model(torch.from_numpy(data.x).unsqueeze(1)).argmax(1).numpy() == data.y).mean()


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    timbres = rng.gamma(1.2, 0.7, (6, 5)) + 0.1
    train, test = Spectra(1500, rng, timbres, augment=True), Spectra(500, rng, timbres)
    model = nn.Sequential(
        nn.Conv1d(1, 16, 5, padding=2), nn.ReLU(), nn.MaxPool1d(2), nn.Conv1d(16, 24, 5, padding=2), nn.ReLU(),
        nn.MaxPool1d(2), nn.Flatten(), nn.Linear(24 * 12, 48), nn.ReLU(), nn.Linear(48, 6),
    )  # fmt: skip
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(12):
        model.train()
        right = 0
        for x, y in DataLoader(train, batch_size=50, shuffle=True):
            out = model(x)
            loss = criterion(out, y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            right += (out.argmax(1) == y).sum().item()
        print(f"epoch {epoch} augmented accuracy {right / len(train):.4f} test accuracy {accuracy(model, test):.4f}")
    print(f"score: {accuracy(model, test):.4f}")


main()
