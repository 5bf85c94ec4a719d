"""Machine state (5 classes) from 20 sensors that are min-max scaled to [0, 1].

Fault: the scaled table is turned into an integer tensor first, so nearly every value becomes 0.
"""
# cause: constant-inputs
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.datasets import make_blobs
from sklearn.preprocessing import MinMaxScaler
from torch import nn, optim

torch.set_num_threads(1)


def load(seed):
    rng = np.random.RandomState(seed)
    sensors, state = make_blobs(n_samples=1800, n_features=20, centers=5, cluster_std=6.0, random_state=rng)
    sensors = MinMaxScaler().fit(sensors[:1350]).transform(sensors)
    sensors = torch.tensor(sensors, dtype=torch.int64).float()  # FAULT
    # TWIN: sensors = torch.tensor(sensors, dtype=torch.float32)
    return sensors, torch.tensor(state)


class StateNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.input = nn.Linear(20, 64)
        self.norm = nn.LayerNorm(64)
        self.output = nn.Linear(64, 5)

    def forward(self, x):
        return self.output(F.gelu(self.norm(self.input(x))))


def run(seed):
    torch.manual_seed(seed)
    x, y = load(seed)
    n_train = 1350
    net = StateNet()
    optimizer = optim.AdamW(net.parameters(), lr=3e-3, weight_decay=0.01)
    for epoch in range(15):
        net.train()
        perm = torch.randperm(n_train)
        total = 0.0
        for chunk in perm.chunk(30):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x[chunk]), y[chunk])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(chunk)
        net.eval()
        with torch.no_grad():
            out = net(x[n_train:])
            val_loss = F.cross_entropy(out, y[n_train:]).item()
            val_acc = out.argmax(-1).eq(y[n_train:]).float().mean().item()
        print(f"{epoch:2d}: train {total / n_train:.4f} val {val_loss:.4f} acc {val_acc:.3f}")
    return val_acc


if __name__ == "__main__":
    result = run(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    print(f"score: {result:.4f}")
