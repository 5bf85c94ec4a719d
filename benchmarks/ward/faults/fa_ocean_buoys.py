"""Classify the sea state from three accelerometer channels of a buoy with a 1-d convolutional network.

The effective batch was to be large, as the GPU of the institute is small: gradients of ACCUMULATE batches are summed.
The constant is from the time when the data set was twenty times this size.
"""
# cause: missing-step
# kind: dynamic

import math
import sys

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset

ACCUMULATE = 64  # FAULT
# TWIN: ACCUMULATE = 2
EPOCHS = 10


class BuoyWindows(Dataset):
    """Windows of 64 samples; the state sets the period, the damping and how the channels are coupled."""

    def __init__(self, n, generator):
        self.state = torch.randint(0, 4, (n,), generator=generator)
        t = torch.arange(64.0)
        period = torch.tensor([6.0, 9.0, 9.0, 14.0])[self.state] * (0.9 + 0.2 * torch.rand(n, generator=generator))
        phase = 2 * math.pi * torch.rand(n, generator=generator)
        lag = torch.tensor([0.5, 0.5, 2.0, 1.0])[self.state]
        angle = 2 * math.pi * t / period[:, None] + phase[:, None]
        waves = torch.stack([angle.sin(), (angle + lag[:, None]).sin(), (angle - lag[:, None]).sin()], dim=1)
        self.signal = waves + 1.3 * torch.randn(n, 3, 64, generator=generator)

    def __len__(self):
        return len(self.state)

    def __getitem__(self, i):
        return self.signal[i], self.state[i]


class Trainer:
    def __init__(self, model, train_loader, val_loader):
        self.model, self.train_loader, self.val_loader = model, train_loader, val_loader
        self.criterion = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=1e-2)

    def train_epoch(self):
        self.model.train()
        self.optimizer.zero_grad()
        total = 0.0
        for i, (signal, state) in enumerate(self.train_loader):
            loss = self.criterion(self.model(signal), state)
            (loss / ACCUMULATE).backward()
            if (i + 1) % ACCUMULATE == 0:
                self.optimizer.step()
                self.optimizer.zero_grad()
            total += loss.item()
        return total / len(self.train_loader)

    @torch.no_grad()
    def evaluate(self):
        self.model.eval()
        right = sum((self.model(x).argmax(1) == y).sum().item() for x, y in self.val_loader)
        return right / len(self.val_loader.dataset)


if __name__ == "__main__":
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    g = torch.Generator().manual_seed(seed)
    train, val = BuoyWindows(1600, g), BuoyWindows(500, g)
    net = nn.Sequential(
        nn.Conv1d(3, 16, 7, padding=3),
        nn.ReLU(),
        nn.MaxPool1d(2),
        nn.Conv1d(16, 32, 5, padding=2),
        nn.ReLU(),
        nn.AdaptiveAvgPool1d(4),
        nn.Flatten(),
        nn.Linear(128, 4),
    )
    trainer = Trainer(net, DataLoader(train, batch_size=40, shuffle=True), DataLoader(val, batch_size=250))
    for epoch in range(EPOCHS):
        loss = trainer.train_epoch()
        print(f"epoch {epoch:2d}  loss {loss:.4f}  val accuracy {trainer.evaluate():.3f}")
    print(f"score: {trainer.evaluate():.4f}")
