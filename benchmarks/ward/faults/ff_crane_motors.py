"""State of a crane's hoist motor (off, running, knocking bearing, unbalanced) from windows of its accelerometer.

The sensors differ in gain, so every window is brought to mean 0 and deviation 1 by itself.
The 10-bit converter repeats one value while the motor is off.
"""
# cause: non-finite-input
# kind: dynamic

import sys
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

OFF, RUNNING, KNOCKING, UNBALANCED = range(4)


@dataclass
class Config:
    window: int = 128
    training: int = 2000
    held_out: int = 600
    batch: int = 50
    epochs: int = 14
    rate: float = 2e-3


def record(count, config, rng):
    states = rng.choice(4, size=count, p=[0.1, 0.3, 0.3, 0.3])
    t = np.arange(config.window)
    windows = np.empty((count, config.window), dtype=np.float32)
    for i, state in enumerate(states):
        if state == OFF:
            windows[i] = 512 + rng.integers(-4, 5)
            continue
        hum = np.sin(2 * np.pi * (0.11 * t + rng.uniform()))
        noise = rng.normal(scale=0.8, size=config.window)
        signal = hum + noise
        if state == KNOCKING:
            signal[rng.integers(8, 16) :: rng.integers(17, 24)] += 3.5
        elif state == UNBALANCED:
            signal += 0.9 * np.sin(2 * np.pi * (0.055 * t + rng.uniform()))
        windows[i] = np.round(512 + rng.uniform(15, 90) * signal).clip(0, 1023)
    return windows, states.astype(np.int64)


def normalise(windows):
    centred = windows - windows.mean(axis=1, keepdims=True)
    return centred / windows.std(axis=1, keepdims=True)  # FAULT
    # TWIN: return centred / np.maximum(windows.std(axis=1, keepdims=True), 1.0)


class MotorNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv1d(1, 16, 9, stride=2, padding=4),
            nn.ReLU(),
            nn.Conv1d(16, 32, 7, stride=2, padding=3),
            nn.ReLU(),
            nn.Conv1d(32, 32, 5, stride=2, padding=2),
            nn.ReLU(),
            nn.Conv1d(32, 32, 3, padding=1),
            nn.ReLU(),
        )
        self.head = nn.Linear(64, 4)

    def forward(self, x):
        maps = self.features(x.unsqueeze(1))
        return self.head(torch.cat([maps.mean(dim=2), maps.amax(dim=2)], dim=1))


def evaluate(model, loader):
    model.eval()
    right = 0
    with torch.inference_mode():
        for windows, states in loader:
            right += int((model(windows).argmax(dim=1) == states).sum())
    return right / len(loader.dataset)


seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
rng = np.random.default_rng(seed)
config = Config()
sets = []
for count in (config.training, config.held_out):
    windows, states = record(count, config, rng)
    sets.append(TensorDataset(torch.from_numpy(normalise(windows)), torch.from_numpy(states)))
train_loader = DataLoader(sets[0], batch_size=config.batch, shuffle=True)
test_loader = DataLoader(sets[1], batch_size=200)

model = MotorNet()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.AdamW(model.parameters(), lr=config.rate)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, config.epochs)
for epoch in range(config.epochs):
    model.train()
    losses = []
    for windows, states in train_loader:
        optimizer.zero_grad(set_to_none=True)
        loss = criterion(model(windows), states)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    scheduler.step()
    print(f"[{epoch + 1}/{config.epochs}] {np.mean(losses):.4f}")
print(f"score: {evaluate(model, test_loader):.4f}")
