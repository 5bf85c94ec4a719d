"""Life in tide pools from a table with gaps: a dataset class reads the columns, some of which hold NaN."""
# cause: non-finite-input
# kind: dynamic

import sys

import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


def make_table(n, seed):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.normal(size=(n, 6)), columns=["salt", "warmth", "depth", "light", "sand", "swell"])
    frame["kind"] = (frame.salt * frame.warmth > 0).astype(int) + (frame.depth + frame.light > 0.5).astype(int)
    frame.loc[rng.random(n) < 0.05, "swell"] = np.nan
    frame.loc[rng.random(n) < 0.04, "sand"] = np.nan
    return frame


class Pools(Dataset):
    FEATURES = ["salt", "warmth", "depth", "light", "sand", "swell"]

    def __init__(self, frame):
        self.frame = frame.reset_index(drop=True)
        # TWIN: self.frame = self.frame.fillna(0.0)

    def __len__(self):
        return len(self.frame)

    def __getitem__(self, i):
        row = self.frame.iloc[i]
        features = row[self.FEATURES].to_numpy(dtype=np.float32)
        return torch.from_numpy(features), int(row["kind"])


def run(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    frame = make_table(1000, seed)
    train = DataLoader(Pools(frame[:800]), batch_size=40, shuffle=True)
    val = DataLoader(Pools(frame[800:]), batch_size=100)
    net = nn.Sequential(nn.Linear(6, 64), nn.ReLU(), nn.Linear(64, 3))
    optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
    for epoch in range(12):
        for x, y in train:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(x), y)
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            acc = np.mean([(net(x).argmax(1) == y).float().mean().item() for x, y in val])
        print(f"{epoch} {loss.item():.3f} {acc:.3f}")
    return acc


print(f"score: {run(int(sys.argv[1]) if len(sys.argv) > 1 else 0):.4f}")
