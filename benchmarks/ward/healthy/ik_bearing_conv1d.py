"""Condition of a rolling bearing (sound, inner race, outer race, cage) from a second of vibration: a one-dimensional
convolutional network, Adam, the learning rate divided by ten towards the end.
"""

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.set_num_threads(1)
LENGTH = 256
RATES = [0.0, 13.0, 21.0, 6.0]


def record(rng, kind):
    t = np.arange(LENGTH) / LENGTH
    signal = 0.6 * np.sin(2 * np.pi * (rng.uniform(2, 4) * t + rng.random()))
    if kind:
        phase = (t * RATES[kind] * rng.uniform(0.93, 1.07) + rng.random()) % 1.0
        signal += 1.6 * np.exp(-phase * 6) * np.sin(2 * np.pi * 60 * phase / RATES[kind])
    return signal + rng.normal(0, 0.45, LENGTH)


def build():
    def block(n_in, n_out, kernel):
        return [
            nn.Conv1d(n_in, n_out, kernel, padding=kernel // 2, bias=False),
            nn.BatchNorm1d(n_out),
            nn.ReLU(),
            nn.MaxPool1d(2),
        ]

    return nn.Sequential(
        *block(1, 16, 9),
        *block(16, 24, 7),
        *block(24, 32, 5),
        nn.AdaptiveAvgPool1d(4),
        nn.Flatten(),
        nn.Dropout(0.2),
        nn.Linear(128, 4),
    )


def accuracy(model, loader):
    model.eval()
    right = total = 0
    with torch.no_grad():
        for x, y in loader:
            right += (model(x).argmax(1) == y).sum().item()
            total += len(y)
    return right / total


if __name__ == "__main__":
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, 2600)
    signals = np.stack([record(rng, k) for k in labels])
    x = torch.tensor(signals, dtype=torch.float32).unsqueeze(1)
    train, val, test = random_split(TensorDataset(x, torch.from_numpy(labels)), [1800, 400, 400])
    train_dl = DataLoader(train, batch_size=32, shuffle=True)
    val_dl, test_dl = DataLoader(val, batch_size=200), DataLoader(test, batch_size=200)

    model = build()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[5], gamma=0.1)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(7):
        model.train()
        running = 0.0
        for xb, yb in train_dl:
            optimizer.zero_grad()
            loss = criterion(model(xb), yb)
            loss.backward()
            optimizer.step()
            running += loss.item()
        scheduler.step()
        print(f"epoch {epoch + 1}: loss {running / len(train_dl):.3f}, val acc {accuracy(model, val_dl):.3f}")
    print(f"score: {accuracy(model, test_dl):.4f}")
