"""Behaviour of cattle from collar windows, each window divided by its own spread; resting collars give 0 / 0."""
# cause: non-finite-input
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

BEHAVIOURS = ("lying", "grazing", "walking", "ruminating")


def record(n, rng):
    t = np.arange(48) / 16
    label = rng.integers(0, len(BEHAVIOURS), n)
    windows = np.zeros((n, 48))
    for i, k in enumerate(label):
        phase = rng.uniform(0, 6.28)
        if k == 0:
            still = rng.random() < 0.1
            windows[i] = 0.0 if still else 0.05 * np.cumsum(rng.normal(size=48))
        elif k == 1:
            windows[i] = 0.5 * np.sin(2 * np.pi * 1.2 * t + phase) + 0.3 * rng.normal(size=48)
        elif k == 2:
            windows[i] = np.sin(2 * np.pi * 2.0 * t + phase) + 0.3 * rng.normal(size=48)
        else:
            windows[i] = 0.2 * np.sin(2 * np.pi * 3.0 * t + phase) + 0.1 * rng.normal(size=48)
    windows = np.round(windows, 3)
    return windows.astype(np.float32), label


def normalise(windows):
    x = torch.from_numpy(windows)
    mean = x.mean(dim=1, keepdim=True)
    spread = x.std(dim=1, keepdim=True)
    x = (x - mean) / spread  # FAULT
    # TWIN: x = (x - mean) / (spread + 0.01)
    return x.unsqueeze(1)


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    windows, label = record(1600, rng)
    test_windows, test_label = record(400, rng)
    loader = DataLoader(TensorDataset(normalise(windows), torch.from_numpy(label)), batch_size=32, shuffle=True)
    test_x, test_y = normalise(test_windows), torch.from_numpy(test_label)

    net = nn.Sequential(
        nn.Conv1d(1, 16, 7, padding=3),
        nn.ReLU(),
        nn.MaxPool1d(2),
        nn.Conv1d(16, 32, 5, padding=2),
        nn.ReLU(),
        nn.AdaptiveAvgPool1d(4),
        nn.Flatten(),
        nn.Linear(128, len(BEHAVIOURS)),
    )
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    for epoch in range(8):
        running = 0.0
        for x, y in loader:
            optimizer.zero_grad()
            loss = criterion(net(x), y)
            loss.backward()
            optimizer.step()
            running += loss.item()
        with torch.no_grad():
            accuracy = (net(test_x).argmax(1) == test_y).float().mean().item()
        print(f"epoch {epoch + 1}: loss {running / len(loader):.4f}, test accuracy {accuracy:.3f}")
    print(f"score: {accuracy:.4f}")


if __name__ == "__main__":
    main()
