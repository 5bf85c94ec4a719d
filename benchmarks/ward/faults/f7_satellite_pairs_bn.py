"""Land use of satellite tiles. The tiles were once large, so batches hold two of them, and batch normalization makes
its statistics of these two."""
# cause: batch-norm-tiny-batch
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset


def tiles(n, rng):
    use = rng.integers(0, 6, n)
    bands = np.array([[0, 0, 1], [0, 1, 0], [1, 0, 0], [1, 1, 0], [0, 1, 1], [0.5, 0.5, 0.5]])[use]
    light = rng.normal(0, 0.5, (n, 1, 1, 1))
    texture = rng.normal(0, 1, (n, 3, 6, 6)) * (0.4 + 0.25 * (use % 2))[:, None, None, None]
    x = 0.9 * (bands[:, :, None, None] - 0.45) + light + texture
    return torch.tensor(x, dtype=torch.float32), torch.tensor(use)


def block(c_in, c_out):
    return nn.Sequential(
        nn.Conv2d(c_in, c_out, 3, padding=1),
        nn.BatchNorm2d(c_out),  # FAULT
        # TWIN: nn.GroupNorm(4, c_out),
        nn.ReLU(),
    )


class TileNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(block(3, 16), nn.MaxPool2d(2), block(16, 16), block(16, 16))
        self.drop_space = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Sequential(nn.Flatten(), nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 6))

    def forward(self, x):
        return self.fc(self.drop_space(self.features(x)))


if __name__ == "__main__":
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    train_loader = DataLoader(TensorDataset(*tiles(600, rng)), batch_size=2, shuffle=True)
    x_test, y_test = tiles(400, rng)
    model = TileNet()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(4):
        model.train()
        total = 0.0
        for x, y in train_loader:
            loss = criterion(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        model.eval()
        with torch.no_grad():
            acc = (model(x_test).argmax(1) == y_test).float().mean().item()
        print(f"epoch {epoch + 1} train loss {total / len(train_loader):.4f} test acc {acc:.4f}")
    print(f"score: {acc:.4f}")
