"""Product family from a shelf scanner's line of 8-bit grey values: bars of different widths, read by a conv1d net."""
# cause: constant-inputs
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

FAMILIES = ["tea", "rice", "soap", "wool", "nails", "paint"]


class Scans(Dataset):
    """Lines of 80 grey values (integers from 0 to 255), as the scanner's driver delivers them."""

    patterns = [[3, 2, 3], [2, 4, 2, 2], [5, 2, 1], [1, 1, 1, 5], [4, 4], [2, 2, 2, 2]]

    def __init__(self, n, rng):
        self.family = torch.tensor(rng.integers(0, len(FAMILIES), n))
        lines = np.empty((n, 80))
        for i, family in enumerate(self.family):
            bright, dark = rng.uniform(170, 230), rng.uniform(20, 90)
            line = np.full(80, bright)
            at, pitch = rng.integers(5, 30), rng.uniform(1.6, 2.2)
            position = float(at)
            for width in self.patterns[family]:
                line[int(position) : int(position + width * pitch)] = dark
                position += (width + 2) * pitch
            lines[i] = line + rng.normal(scale=18, size=80)
        self.lines = torch.tensor(lines.clip(0, 254), dtype=torch.uint8)

    def __len__(self):
        return len(self.lines)

    def __getitem__(self, index):
        line = self.lines[index : index + 1].int()
        line = (line // 255).float()  # FAULT
        # TWIN: line = (line / 255).float()
        return line * 2 - 1, self.family[index]


def build():
    return nn.Sequential(
        nn.Conv1d(1, 24, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool1d(2),
        nn.Conv1d(24, 48, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool1d(2),
        nn.Conv1d(48, 48, 5, padding=2),
        nn.ReLU(),
        nn.AdaptiveMaxPool1d(1),
        nn.Flatten(),
        nn.Linear(48, len(FAMILIES)),
    )


def run_epoch(model, loader, optimizer=None):
    training = optimizer is not None
    model.train(training)
    loss_sum = hits = 0
    with torch.set_grad_enabled(training):
        for lines, family in loader:
            out = model(lines)
            loss = nn.functional.cross_entropy(out, family)
            if training:
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            loss_sum += loss.item() * len(family)
            hits += (out.argmax(1) == family).sum().item()
    return loss_sum / len(loader.dataset), hits / len(loader.dataset)


if __name__ == "__main__":
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    train_loader = DataLoader(Scans(3000, rng), batch_size=50, shuffle=True)
    test_loader = DataLoader(Scans(600, rng), batch_size=200)
    model = build()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(5):
        loss, hits = run_epoch(model, train_loader, optimizer)
        test_loss, test_hits = run_epoch(model, test_loader)
        print(f"{epoch + 1}: loss {loss:.4f} ({hits:.3f}), test {test_loss:.4f} ({test_hits:.3f})")
    print(f"score: {test_hits:.4f}")
