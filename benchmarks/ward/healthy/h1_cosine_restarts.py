"""Conv net on noisy 1-D signals (which of four bump shapes, at an unknown place) with SGD and cosine annealing with
warm restarts: the rate jumps back up at epochs 2 and 6, so the loss may rise for a moment there.
"""

import argparse

import numpy as np
import torch
import torch.nn as nn


def make_signals(n, rng):
    t = np.linspace(-1, 1, 9)
    shapes = np.stack([1 - np.abs(t), np.where(np.abs(t) < 0.6, 1.0, 0.0), np.sin(np.pi * t), np.cos(2.5 * np.pi * t)])
    labels = rng.integers(0, 4, n)
    signals = 0.25 * rng.standard_normal((n, 1, 40))
    for i, (k, start) in enumerate(zip(labels, rng.integers(0, 32, n), strict=True)):
        signals[i, 0, start : start + 9] += shapes[k] * rng.uniform(0.8, 1.4)
    return torch.tensor(signals, dtype=torch.float32), torch.tensor(labels)


class ConvNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv1d(1, 16, 7, padding=3),
            nn.ReLU(),
            nn.Conv1d(16, 32, 5, padding=2),
            nn.ReLU(),
            nn.AdaptiveMaxPool1d(1),
        )
        self.classifier = nn.Linear(32, 4)

    def forward(self, x):
        return self.classifier(self.features(x).flatten(1))


parser = argparse.ArgumentParser()
parser.add_argument("seed", type=int, nargs="?", default=0)
args = parser.parse_args()
torch.set_num_threads(1)
torch.manual_seed(args.seed)
rng = np.random.default_rng(args.seed)
train_x, train_y = make_signals(1600, rng)
val_x, val_y = make_signals(400, rng)

net = ConvNet()
loss_func = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
scheduler = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=2, T_mult=2, eta_min=1e-4)
n_batches = 1600 // 40

for epoch in range(14):
    net.train()
    order = torch.randperm(1600)
    running_loss = 0.0
    for b in range(n_batches):
        idx = order[b * 40 : (b + 1) * 40]
        optimizer.zero_grad()
        loss = loss_func(net(train_x[idx]), train_y[idx])
        loss.backward()
        optimizer.step()
        scheduler.step(epoch + (b + 1) / n_batches)
        running_loss += loss.item() / n_batches
    net.eval()
    with torch.no_grad():
        val_acc = (net(val_x).argmax(1) == val_y).float().mean()
    print(f"epoch {epoch} loss {running_loss:.4f} val accuracy {val_acc.item():.4f}")

print(f"score: {val_acc.item():.4f}")
