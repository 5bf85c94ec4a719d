"""Recognises six activities from three-axis wrist acceleration. The optimizer has one learning rate a part of the
network; the body between stem and head was added later and never given to it."""
# cause: parameters-not-in-optimizer
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

ACTIVITIES = 6


def recordings(n, rng):
    y = rng.integers(ACTIVITIES, size=n)
    t = np.arange(40) / 20
    freq = (np.array([1.0, 1.6, 2.3])[y % 3] * rng.uniform(0.9, 1.1, n))[:, None, None]
    lag = np.where(y < 3, 0.5, 1.6)[:, None, None] * np.arange(3)[None, :, None]
    phase = rng.uniform(0, 2 * np.pi, (n, 1, 1))
    x = np.sin(2 * np.pi * freq * t + phase + lag) + 0.8 * rng.standard_normal((n, 3, 40))
    return torch.tensor(x, dtype=torch.float32), torch.tensor(y)


class ActivityNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv1d(3, 16, 5, stride=2, padding=2)
        self.body = nn.Sequential(
            nn.ReLU(),
            nn.Conv1d(16, 16, 5, stride=2, padding=2),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(160, 32),
            nn.ReLU(),
            nn.Linear(32, 8),
            nn.ReLU(),
        )
        self.head = nn.Linear(8, ACTIVITIES)

    def forward(self, x):
        return self.head(self.body(self.stem(x)))


def run_epoch(model, loader, criterion, optimizer=None):
    model.train(optimizer is not None)
    loss_sum = hits = count = 0
    for x, y in loader:
        with torch.set_grad_enabled(optimizer is not None):
            out = model(x)
            loss = criterion(out, y)
        if optimizer is not None:
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        loss_sum += loss.item() * len(y)
        hits += out.argmax(1).eq(y).sum().item()
        count += len(y)
    return loss_sum / count, hits / count


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    train_loader = DataLoader(TensorDataset(*recordings(2400, rng)), batch_size=48, shuffle=True)
    val_loader = DataLoader(TensorDataset(*recordings(600, rng)), batch_size=200)
    model = ActivityNet()
    optimizer = torch.optim.Adam(
        [
            {"params": model.stem.parameters(), "lr": 1e-3},
            # TWIN: {"params": model.body.parameters(), "lr": 2e-3},
            {"params": model.head.parameters(), "lr": 3e-3},
        ]
    )
    criterion = nn.CrossEntropyLoss()
    for epoch in range(12):
        train_loss, train_acc = run_epoch(model, train_loader, criterion, optimizer)
        val_loss, val_acc = run_epoch(model, val_loader, criterion)
        print(f"{epoch:2d} train {train_loss:.3f}/{train_acc:.3f} val {val_loss:.3f}/{val_acc:.3f}")
    print(f"score: {val_acc:.4f}")


if __name__ == "__main__":
    main()
