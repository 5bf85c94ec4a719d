"""Activity recognition from synthetic three-axis accelerometer windows with a 1-d CNN and batch norm."""

import sys

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)


def make_windows(n, rng, length=48):
    labels = rng.integers(0, 4, n)
    t = np.arange(length) / 50.0
    freq = np.array([0.0, 1.5, 3.0, 1.5])[labels] * rng.uniform(0.85, 1.15, n)
    amp = np.array([0.0, 0.6, 1.0, 1.2])[labels] * rng.uniform(0.8, 1.2, n)
    phase = rng.uniform(0, 2 * np.pi, n)
    wave = amp[:, None] * np.sin(2 * np.pi * freq[:, None] * t + phase[:, None])
    signal = np.stack([wave, 0.5 * wave, np.abs(wave)], axis=1)
    signal += 0.25 * rng.standard_normal(signal.shape)
    return signal.astype(np.float32), labels


class ConvNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv1d(3, 16, 5, padding=2, bias=False),
            nn.BatchNorm1d(16),
            nn.ReLU(),
            nn.MaxPool1d(2),
            nn.Conv1d(16, 32, 5, padding=2, bias=False),
            nn.BatchNorm1d(32),
            nn.ReLU(),
        )
        self.classifier = nn.Linear(32, 4)

    def forward(self, x):
        return self.classifier(self.features(x).mean(dim=2))


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    x_train, y_train = make_windows(1200, rng)
    x_val, y_val = make_windows(400, rng)
    mean, std = x_train.mean((0, 2), keepdims=True), x_train.std((0, 2), keepdims=True)
    train = TensorDataset(torch.from_numpy((x_train - mean) / std), torch.from_numpy(y_train))
    x_val, y_val = torch.from_numpy((x_val - mean) / std), torch.from_numpy(y_val)
    loader = DataLoader(train, batch_size=40, shuffle=True)

    model, criterion = ConvNet(), nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(10):
        model.train()
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = criterion(model(xb), yb)
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            out = model(x_val)
            accuracy = (out.argmax(1) == y_val).float().mean().item()
            print(f"epoch {epoch + 1}: val loss {criterion(out, y_val).item():.4f} val acc {accuracy:.4f}")
    print(f"score: {accuracy:.4f}")


if __name__ == "__main__":
    main()
