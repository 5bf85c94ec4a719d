"""How long a delivery takes, and how sure that is: a network with a mean and a spread, negative log-likelihood written
by hand. The spread comes out of a ReLU, and its logarithm is taken."""
# cause: unstable-loss
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset


class MeanAndSpread(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(3, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU())
        self.mean = nn.Linear(48, 1)
        self.spread = nn.Linear(48, 1)

    def forward(self, x):
        h = self.trunk(x)
        sigma = F.relu(self.spread(h))  # FAULT
        # TWIN: sigma = F.softplus(self.spread(h)) + 1e-3
        return self.mean(h), sigma


def nll(y, mean, sigma):
    return (torch.log(sigma) + 0.5 * ((y - mean) / sigma) ** 2).mean()


def deliveries(n, rng):
    km, load, hour = rng.uniform(-1, 1, (3, n))
    spread = 0.15 + 0.25 * (hour > 0.3) * (km + 1)
    y = 0.8 * km + 0.4 * load * km + 0.5 * np.exp(-8 * hour**2) + spread * rng.normal(size=n)
    x = np.stack([km, load, hour], axis=1) * 1.7
    return torch.tensor(x, dtype=torch.float32), torch.tensor(y[:, None], dtype=torch.float32)


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    loader = DataLoader(TensorDataset(*deliveries(2000, rng)), batch_size=50, shuffle=True)
    x_test, y_test = deliveries(600, rng)
    model = MeanAndSpread()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(15):
        total = 0.0
        for x, y in loader:
            mean, sigma = model(x)
            loss = nll(y, mean, sigma)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        with torch.no_grad():
            mean, sigma = model(x_test)
            test = nll(y_test, mean, sigma).item()
        print(f"epoch {epoch + 1:2d} nll {total / len(loader):.4f} test nll {test:.4f}")
    print(f"score: {-test:.4f}")


main()
