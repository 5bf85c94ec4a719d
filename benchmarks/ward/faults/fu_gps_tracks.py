"""Predicts the positions along a vehicle's way (latitude and longitude on a local grid) from speed and heading
readings; the loss is the mean distance in kilometres. Ways of different length are padded to the longest.

After https://blog.csdn.net/ten_k/article/details/106576818
"""
# cause: unstable-loss
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

STEPS = 12


def make_tracks(n, rng):
    speed = rng.uniform(0.2, 1.0, size=(n, STEPS))
    heading = rng.uniform(-np.pi, np.pi, size=(n, 1)) + np.cumsum(rng.normal(0, 0.4, size=(n, STEPS)), axis=1)
    move = np.stack([speed * np.cos(heading), speed * np.sin(heading)], axis=2) * 0.3
    position = np.cumsum(move, axis=1)
    readings = np.stack([speed, np.cos(heading), np.sin(heading)], axis=2)
    readings += rng.normal(0, 0.02, size=readings.shape)
    length = np.where(rng.random(n) < 0.004, rng.integers(6, STEPS, size=n), STEPS)
    mask = (np.arange(STEPS)[None, :] < length[:, None]).astype(float)
    return [
        torch.tensor(a, dtype=torch.float32) for a in (readings * mask[:, :, None], position * mask[:, :, None], mask)
    ]


class TrackNet(nn.Module):
    def __init__(self, hidden=48):
        super().__init__()
        self.gru = nn.GRU(3, hidden, batch_first=True)
        self.out = nn.Linear(hidden, 2)

    def forward(self, x):
        h, _ = self.gru(x)
        return self.out(h)


def gps_distance(predicted, target, mask):
    lx = (predicted[..., 0] - target[..., 0]) * mask
    ly = (predicted[..., 1] - target[..., 1]) * mask
    dist = torch.sqrt(lx**2 + ly**2)  # FAULT
    # TWIN: dist = torch.sqrt(lx ** 2 + ly ** 2 + 1e-10)
    return dist.sum() / mask.sum()


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)

    train = make_tracks(2000, rng)
    val_x, val_y, val_mask = make_tracks(400, rng)
    loader = DataLoader(TensorDataset(*train), batch_size=50, shuffle=True)

    net = TrackNet()
    optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)

    for epoch in range(15):
        net.train()
        total = 0.0
        for i, (x, y, mask) in enumerate(loader):
            loss = gps_distance(net(x), y, mask)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
            if i % 20 == 0:
                print(f"  epoch {epoch} batch {i}: distance loss {loss.item():.4f}")
        net.eval()
        with torch.no_grad():
            val_loss = gps_distance(net(val_x), val_y, val_mask).item()
        print(f"epoch {epoch}: loss {total / len(loader):.4f}, val_loss {val_loss:.4f}")

    with torch.no_grad():
        far = ((net(val_x) - val_y) ** 2).sum(dim=2).sqrt()
    within = ((far < 0.2).float() * val_mask).sum() / val_mask.sum()
    print(f"score: {within.item():.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
