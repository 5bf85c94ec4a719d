"""Waveform classification by 1-d convolutions; zero_grad is called once per epoch, outside the loop over batches, and
gradients pile up over the 30 batches of it."""
# cause: missing-zero-grad
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def waves(n, rng):
    t = np.linspace(0, 1, 48)
    kind = rng.integers(0, 4, n)
    freq, phase = rng.uniform(2, 5, (n, 1)), rng.uniform(0, 1, (n, 1))
    u = (freq * t + phase) % 1.0
    shapes = np.stack([np.sin(2 * np.pi * u), np.sign(u - 0.5), 2 * u - 1, 1 - 4 * np.abs(u - 0.5)])
    x = shapes[kind, np.arange(n)] + 0.2 * rng.normal(size=(n, 48))
    return torch.tensor(x, dtype=torch.float32).unsqueeze(1), torch.tensor(kind)


class WaveNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv1d(1, 16, 5, padding=2),
            nn.ReLU(),
            nn.MaxPool1d(2),
            nn.Conv1d(16, 24, 5, padding=2),
            nn.ReLU(),
            nn.AdaptiveAvgPool1d(4),
        )
        self.classifier = nn.Linear(24 * 4, 4)

    def forward(self, x):
        return self.classifier(self.features(x).flatten(1))


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    train_loader = DataLoader(TensorDataset(*waves(1500, rng)), batch_size=50, shuffle=True)
    x_test, y_test = waves(500, rng)

    model = WaveNet()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for epoch in range(15):
        model.train()
        running = 0.0
        optimizer.zero_grad()  # FAULT
        for x, y in train_loader:
            # TWIN: optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
            running += loss.item()
        model.eval()
        with torch.no_grad():
            acc = model(x_test).argmax(1).eq(y_test).float().mean().item()
        print(f"Epoch {epoch + 1}: loss {running / len(train_loader):.4f}, test acc {acc:.3f}")
    print(f"score: {acc:.4f}")


if __name__ == "__main__":
    main()
