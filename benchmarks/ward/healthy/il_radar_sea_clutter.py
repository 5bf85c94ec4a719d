"""Boats under sea clutter: the training echoes get far more noise than the test ones (and are blanked here and there),
so the training loss stays well above the test loss."""

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

CLASSES, CELLS = 9, 40


class Echoes(Dataset):
    """Echo profiles of nine hull types; `rough` ones are spoiled anew each time they are asked for."""

    def __init__(self, count, rng, hulls, rough):
        self.label = rng.integers(0, CLASSES, count)
        shift = rng.integers(-2, 3, count)
        profiles = np.stack([np.roll(hulls[k], s) for k, s in zip(self.label, shift)])
        self.x = torch.tensor(profiles + rng.normal(0, 0.5, profiles.shape), dtype=torch.float32)
        self.label = torch.tensor(self.label)
        self.rough = rough

    def __len__(self):
        return len(self.x)

    def __getitem__(self, index):
        x = self.x[index]
        if self.rough:
            x = x + 1.2 * torch.randn(CELLS)
            x = x * (torch.rand(CELLS) > 0.25)
        return x, self.label[index]


def test(model, loader):
    model.eval()
    hits, loss = 0, 0.0
    with torch.no_grad():
        for x, y in loader:
            out = model(x)
            loss += nn.functional.cross_entropy(out, y, reduction="sum").item()
            hits += (out.argmax(1) == y).sum().item()
    return loss / len(loader.dataset), hits / len(loader.dataset)


if __name__ == "__main__":
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    hulls = np.stack([np.convolve(rng.normal(size=CELLS + 4), np.ones(5) / 5**0.5, "valid") for _ in range(CLASSES)])
    train_loader = DataLoader(Echoes(3000, rng, hulls, rough=True), batch_size=50, shuffle=True)
    test_loader = DataLoader(Echoes(500, rng, hulls, rough=False), batch_size=250)
    model = nn.Sequential(nn.Linear(CELLS, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, CLASSES))
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(16):
        model.train()
        total = 0.0
        for x, y in train_loader:
            loss = nn.functional.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        test_loss, accuracy = test(model, test_loader)
        print(f"{epoch + 1:2d} train loss {total / len(train_loader):.4f} test loss {test_loss:.4f} acc {accuracy:.4f}")
    print(f"score: {accuracy:.4f}")
