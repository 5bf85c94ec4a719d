"""Anomaly detection in machine sensor windows: a conv1d autoencoder trained on normal windows only, RMSprop; windows
with a large reconstruction error are flagged. Score: ROC AUC on a test set with one window in five anomalous.
"""

import sys

import numpy as np
import torch
import torch.nn as nn
from sklearn.metrics import roc_auc_score
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)


def windows(n, rng, odd=0.0):
    t = np.arange(64)
    x, flags = np.zeros((n, 2, 64), np.float32), rng.random(n) < odd
    for i in range(n):
        f, p = rng.uniform(0.15, 0.3), rng.uniform(0, 2 * np.pi)
        a = rng.uniform(0.7, 1.3)
        x[i, 0] = a * np.sin(f * t + p)
        x[i, 1] = 0.6 * a * np.sin(2 * f * t + 2 * p) + 0.4 * a
        if flags[i]:
            kind, s = rng.integers(3), rng.integers(8, 44)
            if kind == 0:
                x[i, :, s : s + 12] += rng.choice([-1, 1]) * rng.uniform(0.6, 1.2)
            elif kind == 1:
                x[i, 1, s : s + 16] = x[i, 1, s]
            else:
                x[i, 0, s : s + 14] += 0.6 * np.sin(1.7 * t[:14])
    return torch.from_numpy(x + rng.normal(0, 0.1, x.shape).astype(np.float32)), flags


class AutoEncoder(nn.Module):
    def __init__(self, code=8):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv1d(2, 16, 7, stride=2, padding=3),
            nn.GELU(),
            nn.Conv1d(16, 32, 5, stride=2, padding=2),
            nn.GELU(),
            nn.Flatten(),
            nn.Linear(32 * 16, code),
        )
        self.decoder = nn.Sequential(
            nn.Linear(code, 32 * 16),
            nn.GELU(),
            nn.Unflatten(1, (32, 16)),
            nn.ConvTranspose1d(32, 16, 4, stride=2, padding=1),
            nn.GELU(),
            nn.ConvTranspose1d(16, 2, 4, stride=2, padding=1),
        )

    def forward(self, x):
        return self.decoder(self.encoder(x))


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    (train, _), (val, _), (test, flags) = windows(2400, rng), windows(500, rng), windows(1000, rng, odd=0.2)
    mean, std = train.mean((0, 2), keepdim=True), train.std((0, 2), keepdim=True)
    train, val, test = [(x - mean) / std for x in (train, val, test)]
    loader = DataLoader(TensorDataset(train), batch_size=48, shuffle=True)
    model, criterion = AutoEncoder(), nn.MSELoss()
    optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.85)
    for epoch in range(1, 19):
        model.train()
        total = 0.0
        for (x,) in loader:
            loss = criterion(model(x), x)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        scheduler.step()
        model.eval()
        with torch.no_grad():
            val_loss = criterion(model(val), val).item()
        print(f"Epoch [{epoch}/18] train {total / len(loader):.4f} val {val_loss:.4f}")
    with torch.no_grad():
        error = (model(test) - test).pow(2).mean((1, 2))
    print(f"score: {roc_auc_score(flags, error.numpy()):.4f}")


if __name__ == "__main__":
    main()
