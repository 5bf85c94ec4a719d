"""Weighs plankton by eye: from a small microscope picture to the biomass in it, in picograms."""
# cause: unscaled-targets
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def pictures(count, rng, size=20):
    """Round cells of different sizes; the biomass goes with the volume, and dark cells are denser."""
    yy, xx = np.mgrid[:size, :size]
    images = rng.normal(0, 0.08, (count, size, size))
    biomass = np.zeros(count)
    for i in range(count):
        for _ in range(rng.integers(1, 5)):
            cy, cx = rng.uniform(3, size - 3, 2)
            radius = rng.uniform(1.2, 3.0)
            density = rng.uniform(0.4, 1.0)
            disk = (yy - cy) ** 2 + (xx - cx) ** 2 < radius**2
            images[i][disk] += density
            biomass[i] += 180_000.0 * density * radius**2
    biomass *= rng.normal(1.0, 0.03, count)
    return torch.tensor(images[:, None], dtype=torch.float32), torch.tensor(biomass, dtype=torch.float32)


class BiomassNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 12, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(12, 24, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
        )
        self.regressor = nn.Sequential(nn.Flatten(), nn.Linear(24 * 25, 48), nn.ReLU(), nn.Linear(48, 1))

    def forward(self, x):
        return self.regressor(self.features(x)).squeeze(1)


def evaluate(net, loader):
    net.eval()
    predicted, true = [], []
    with torch.no_grad():
        for x, y in loader:
            predicted.append(net(x))
            true.append(y)
    predicted, true = torch.cat(predicted), torch.cat(true)
    return (1 - (predicted - true).pow(2).mean() / true.var(unbiased=False)).item()


def run(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    x_train, y_train = pictures(1800, rng)
    x_test, y_test = pictures(400, rng)
    # TWIN: center, spread = y_train.mean(), y_train.std()
    # TWIN: y_train, y_test = (y_train - center) / spread, (y_test - center) / spread
    train_loader = DataLoader(TensorDataset(x_train, y_train), batch_size=32, shuffle=True)
    test_loader = DataLoader(TensorDataset(x_test, y_test), batch_size=200)

    net = BiomassNet()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    for epoch in range(9):
        net.train()
        epoch_loss = 0.0
        for x, y in train_loader:
            loss = nn.functional.mse_loss(net(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            epoch_loss += loss.item() / len(train_loader)
        print(f"epoch {epoch} | loss {epoch_loss:.4g} | test R2 {evaluate(net, test_loader):.3f}")
    print(f"score: {evaluate(net, test_loader):.4f}")


if __name__ == "__main__":
    run(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
