"""Humidity of a wine cellar from ten readings of the building; a multilayer perceptron with a validation split."""

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

HIDDEN, LR, EPOCHS, BATCH = 48, 1e-3, 20, 32


def make_table(n, seed):
    rng = np.random.default_rng(seed)
    outside = rng.normal(12, 7, n)
    rain = rng.gamma(2.0, 3.0, n)
    depth = rng.uniform(1, 6, n)
    bottles = rng.integers(100, 5000, n)
    vents = rng.integers(0, 5, n)
    others = rng.normal(0, 1, size=(n, 5))
    humidity = (
        60 + 1.4 * rain * np.exp(-vents / 3) + 2.0 * depth - 0.3 * np.abs(outside - 12) + 3 * np.tanh(others[:, 0])
    )
    humidity += rng.normal(0, 1.0, n)
    return np.column_stack([outside, rain, depth, bottles, vents, others]), humidity


class Regressor(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(features, HIDDEN),
            nn.ReLU(),
            nn.Linear(HIDDEN, HIDDEN),
            nn.ReLU(),
            nn.Linear(HIDDEN, 1),
        )

    def forward(self, x):
        return self.layers(x).squeeze(-1)


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    x, y = make_table(3000, seed)
    x = (x - x[:2400].mean(0)) / x[:2400].std(0)
    y = (y - y[:2400].mean()) / y[:2400].std()
    data = TensorDataset(torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32))
    train_set, val_set = random_split(data, [2400, 600])
    train_loader = DataLoader(train_set, batch_size=BATCH, shuffle=True)
    val_loader = DataLoader(val_set, batch_size=200)

    model, criterion = Regressor(x.shape[1]), nn.MSELoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=LR, weight_decay=1e-5)
    for epoch in range(EPOCHS):
        model.train()
        train_loss = 0.0
        for features, target in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(features), target)
            loss.backward()
            optimizer.step()
            train_loss += loss.item()
        model.eval()
        val_loss = 0.0
        with torch.no_grad():
            for features, target in val_loader:
                val_loss += criterion(model(features), target).item()
        val_loss /= len(val_loader)
        print(f"Epoch {epoch + 1}/{EPOCHS}, Train {train_loss / len(train_loader):.4f}, Val {val_loss:.4f}")
    print(f"score: {1 - val_loss:.4f}")


if __name__ == "__main__":
    main()
