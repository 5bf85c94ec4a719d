"""Angle of a knee from two inertial sensors on thigh and shank: one-dimensional convolutions over a window."""

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

WINDOW = 32


class Walks(Dataset):
    """Windows cut from walks at various speeds; six channels (two gyroscopes, four accelerations), one angle."""

    def __init__(self, walks, seed):
        rng = np.random.default_rng(seed)
        windows, angles = [], []
        for _ in range(walks):
            t = np.arange(400) / 100
            pace, reach, start = rng.uniform(0.7, 1.5), rng.uniform(0.7, 1.3), rng.uniform(0, 6.28)
            phase = 6.283 * pace * t + start
            thigh = 0.45 * reach * np.sin(phase)
            knee = reach * (0.5 - 0.35 * np.cos(phase - 0.8) - 0.25 * np.cos(2 * phase))
            shank = thigh - knee
            gyros = [np.gradient(thigh, t) / 4, np.gradient(shank, t) / 6]
            tilts = [np.sin(thigh), np.cos(thigh) * 2 - 1.8, np.sin(shank), np.cos(shank) * 2 - 1.5]
            record = np.stack(gyros + tilts) + rng.normal(0, 0.15, (6, 400))
            for end in rng.integers(WINDOW, 400, 20):
                windows.append(record[:, end - WINDOW : end])
                angles.append((knee[end - 1] - 0.5) / 0.33)
        self.windows = torch.tensor(np.stack(windows), dtype=torch.float32) / 0.45
        self.angles = torch.tensor(angles, dtype=torch.float32)

    def __len__(self):
        return len(self.angles)

    def __getitem__(self, i):
        return self.windows[i], self.angles[i]


class AngleNet(nn.Module):
    def __init__(self, channels=24):
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv1d(6, channels, 5, padding=2),
            nn.BatchNorm1d(channels),
            nn.ReLU(),
            nn.MaxPool1d(2),
            nn.Conv1d(channels, channels, 5, padding=2),
            nn.BatchNorm1d(channels),
            nn.ReLU(),
            nn.MaxPool1d(2),
        )
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(channels * WINDOW // 4, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, x):
        return self.head(self.conv(x)).squeeze(1)


def validate(model, data):
    model.eval()
    with torch.no_grad():
        error = (model(data.windows) - data.angles).pow(2).mean()
    return 1 - (error / data.angles.var()).item()


seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
training, validation = Walks(120, seed), Walks(30, seed + 10000)
loader = DataLoader(training, batch_size=32, shuffle=True, drop_last=True)
model = AngleNet()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, mode="max", factor=0.3, patience=2)
for epoch in range(15):
    model.train()
    total = 0.0
    for windows, angles in loader:
        loss = nn.functional.mse_loss(model(windows), angles)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    r2 = validate(model, validation)
    scheduler.step(r2)
    print(f"epoch {epoch + 1}: loss {total / len(loader):.4f}, validation R2 {r2:.4f}")
print(f"score: {r2:.4f}")
