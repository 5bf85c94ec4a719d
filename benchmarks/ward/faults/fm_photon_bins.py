"""Three kinds of star flare by their photon counts in twenty time bins, on a logarithmic scale as astronomers do."""
# cause: non-finite-input
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

BINS = 20


def observe(n, rng):
    flare = rng.integers(0, 3, n)
    t = np.arange(BINS)
    start = rng.integers(2, 8, (n, 1))
    since = np.clip(t - start, 0, None)
    fast = np.exp(-since / 1.5) * (t >= start)
    slow = np.exp(-since / 5.0) * (t >= start)
    double = fast + np.exp(-np.clip(t - start - 6, 0, None) / 1.5) * (t >= start + 6)
    shape = np.stack([fast, slow, double])[flare, np.arange(n)]
    brightness = rng.lognormal(2.6, 0.5, (n, 1))
    return rng.poisson(brightness * shape + 1.5), flare


def to_magnitudes(counts):
    return np.log10(counts)  # FAULT
    # TWIN: return np.log10(counts + 1.0)


def prepare(counts, mean, std):
    return torch.tensor((to_magnitudes(counts) - mean) / std, dtype=torch.float32)


class FlareNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv1d(1, 16, 5, padding=2),
            nn.ReLU(),
            nn.Conv1d(16, 16, 5, padding=2),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(16 * BINS, 3),
        )

    def forward(self, x):
        return self.net(x.unsqueeze(1))


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    (counts, flare), (val_counts, val_flare) = observe(3000, rng), observe(800, rng)
    # scale of the logarithms over all bins of a long archive
    mean, std = 0.45, 0.4
    train = TensorDataset(prepare(counts, mean, std), torch.tensor(flare))
    x_val, y_val = prepare(val_counts, mean, std), torch.tensor(val_flare)

    model = FlareNet()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    history = []
    for _ in range(10):
        model.train()
        for x, y in DataLoader(train, batch_size=50, shuffle=True):
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            history.append((model(x_val).argmax(dim=1) == y_val).float().mean().item())
    print("validation accuracy by epoch:", " ".join(f"{value:.3f}" for value in history))
    print(f"score: {history[-1]:.4f}")


if __name__ == "__main__":
    main()
