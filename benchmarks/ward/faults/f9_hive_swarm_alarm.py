"""Swarm alarm for bee hives: a second of sound energy, is the colony about to swarm? Recordings before a swarm are few,
and the microphones were simply left running for a season."""
# cause: class-imbalance
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class HiveSounds(Dataset):
    def __init__(self, n, rng):
        self.y = (rng.random(n) < 0.03).astype(np.int64)
        t = np.arange(64)
        phase = rng.uniform(0, 2 * np.pi, (n, 1))
        hum = np.sin(0.35 * t + phase)
        piping = np.sin(1.1 * t + 2 * phase) * rng.uniform(0.7, 1.2, (n, 1)) * self.y[:, None]
        self.x = (0.8 * hum + piping + rng.normal(0, 1.0, (n, 64))).astype(np.float32)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return torch.from_numpy(self.x[i : i + 1]), self.y[i]


def build():
    return nn.Sequential(
        nn.Conv1d(1, 12, 9, padding=4),
        nn.ReLU(),
        nn.Conv1d(12, 12, 5, stride=2, padding=2),
        nn.ReLU(),
        nn.AdaptiveAvgPool1d(1),
        nn.Flatten(),
        nn.Linear(12, 2),
    )


@torch.no_grad()
def recalls(model, data):
    x, y = torch.from_numpy(data.x)[:, None], torch.from_numpy(data.y)
    guess = model(x).argmax(1)
    return [(guess[y == c] == c).float().mean().item() for c in (0, 1)]


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    train, test = HiveSounds(5000, rng), HiveSounds(4000, rng)
    loader = DataLoader(train, batch_size=100, shuffle=True)
    model = build()
    optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
    criterion = nn.CrossEntropyLoss()  # FAULT
    # TWIN: share = train.y.mean()
    # TWIN: criterion = nn.CrossEntropyLoss(weight=torch.tensor([0.5 / (1 - share), 0.5 / share]).float())
    for epoch in range(9):
        running = 0.0
        for x, y in loader:
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
            running += loss.item()
        quiet, swarm = recalls(model, test)
        print(f"epoch {epoch + 1} loss {running / len(loader):.4f} recall quiet {quiet:.3f} swarm {swarm:.3f}")
    print(f"score: {(quiet + swarm) / 2:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
