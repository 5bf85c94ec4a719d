"""Which gear was chosen, from 50 samples of a three-axis accelerometer in the stick; conv1d, plateau schedule."""

import argparse

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def gestures(n, rng):
    t = np.linspace(0, 1, 50)
    paths = np.random.default_rng(21).normal(size=(6, 3, 3))
    gear = rng.integers(6, size=n)
    amplitude = paths[gear] + rng.normal(0, 0.35, size=(n, 3, 3))
    start = rng.uniform(-0.1, 0.1, size=(n, 1, 1))
    bases = np.stack([np.exp(-(((t - c - start) / 0.12) ** 2)) for c in (0.25, 0.5, 0.75)], axis=2)[:, 0]
    signal = np.einsum("nab,nbt->nat", amplitude, bases) + rng.normal(0, 0.4, size=(n, 3, 50))
    return torch.tensor(signal / signal.std(), dtype=torch.float32), torch.tensor(gear)


class GearNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv1d(3, 16, kernel_size=5, padding=2),
            nn.BatchNorm1d(16),
            nn.ReLU(),
            nn.MaxPool1d(2),
            nn.Conv1d(16, 32, kernel_size=5, padding=2),
            nn.BatchNorm1d(32),
            nn.ReLU(),
            nn.AdaptiveAvgPool1d(4),
        )
        self.classifier = nn.Linear(128, 6)

    def forward(self, x):
        return self.classifier(self.features(x).flatten(1))


def validate(model, loader, criterion):
    model.eval()
    loss = correct = n = 0
    with torch.no_grad():
        for signal, gear in loader:
            out = model(signal)
            loss += criterion(out, gear).item() * len(gear)
            correct += (out.argmax(1) == gear).sum().item()
            n += len(gear)
    return loss / n, correct / n


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", nargs="?", type=int, default=0)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)
    train_loader = DataLoader(TensorDataset(*gestures(2400, rng)), batch_size=48, shuffle=True)
    val_loader = DataLoader(TensorDataset(*gestures(400, rng)), batch_size=200)
    test_loader = DataLoader(TensorDataset(*gestures(800, rng)), batch_size=200)
    model, criterion = GearNet(), nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=1e-4)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.3, patience=2)
    for epoch in range(12):
        model.train()
        for signal, gear in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(signal), gear)
            loss.backward()
            optimizer.step()
        val_loss, val_accuracy = validate(model, val_loader, criterion)
        scheduler.step(val_loss)
        print(f"epoch {epoch + 1}: val loss {val_loss:.4f}, val accuracy {val_accuracy:.4f}")
    print(f"score: {validate(model, test_loader, criterion)[1]:.4f}")


if __name__ == "__main__":
    main()
