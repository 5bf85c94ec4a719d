"""Compresses outlines of sewing patterns (32 distances from the middle) to six numbers with an autoencoder."""

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class AutoEncoder(nn.Module):
    def __init__(self, points=32, code=6):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Linear(points, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, code)
        )
        self.decoder = nn.Sequential(
            nn.Linear(code, 32), nn.ReLU(), nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, points)
        )

    def forward(self, x):
        return self.decoder(self.encoder(x))


def outlines(n, rng):
    angle = np.linspace(0, 2 * np.pi, 32, endpoint=False)
    long, wide = rng.uniform(1.0, 2.0, (n, 1)), rng.uniform(0.5, 1.2, (n, 1))
    r = long * wide / np.sqrt((wide * np.cos(angle)) ** 2 + (long * np.sin(angle)) ** 2)
    dart = rng.uniform(-0.4, 0.4, (n, 1)) * np.exp(-10 * (1 - np.cos(angle - rng.uniform(0, 6.28, (n, 1)))))
    return (r + dart + rng.normal(0, 0.01, r.shape)).astype(np.float32)


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    train, test = outlines(3000, rng), outlines(600, rng)
    mean, std = train.mean(0), train.std()
    train, test = torch.from_numpy((train - mean) / std), torch.from_numpy((test - mean) / std)
    loader = DataLoader(TensorDataset(train), batch_size=50, shuffle=True)
    model = AutoEncoder()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.9)
    for epoch in range(30):
        model.train()
        for (x,) in loader:
            loss = nn.functional.mse_loss(model(x), x)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        scheduler.step()
        model.eval()
        with torch.no_grad():
            error = nn.functional.mse_loss(model(test), test).item()
        if epoch % 5 == 4:
            print(f"epoch {epoch + 1}: train {loss.item():.5f} test {error:.5f}")
    print(f"score: {1 - error / test.var().item():.4f}")


if __name__ == "__main__":
    main()
