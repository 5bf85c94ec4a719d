"""Traffic on a road network: speeds at 40 detectors for the next quarter hours from the last two hours, with a graph
convolution (learned mixture of the forward and backward neighbours) feeding a GRU shared by all detectors. MAE loss,
Adam, gradient clipping. Score: 1 - MAE / MAE of repeating the last value, on the later weeks.
"""

import sys

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset

torch.set_num_threads(1)
NODES, HISTORY, AHEAD = 40, 8, 3


def simulate(rng, steps=1500):
    place = rng.random((NODES, 2))
    distance = np.linalg.norm(place[:, None] - place[None], axis=-1)
    downstream = np.zeros((NODES, NODES))
    for i in range(NODES):
        for j in np.argsort(distance[i])[1:4]:
            downstream[i, j] = np.exp(-8 * distance[i, j])
    downstream /= downstream.sum(1, keepdims=True)
    jam = np.zeros((steps, NODES))
    share = rng.uniform(0.3, 1.0, NODES)
    for t in range(1, steps):
        rush = max(0, np.sin(2 * np.pi * t / 96)) ** 6
        incident = rng.random(NODES) < 0.01 + 0.03 * rush * share
        jam[t] = 0.45 * jam[t - 1] + 0.45 * downstream @ jam[t - 1] + 1.2 * incident + 0.08 * rush * share
    speed = 90 * np.exp(-0.6 * jam) + rng.normal(0, 1.0, jam.shape)
    return speed.astype(np.float32), torch.tensor(downstream, dtype=torch.float32)


class Windows(Dataset):
    def __init__(self, speed, start, stop, mean, std):
        hour = 2 * np.pi * np.arange(len(speed)) / 96
        clock = np.stack([np.sin(hour), np.cos(hour)], 1)[:, None].repeat(NODES, 1)
        values = np.concatenate([(speed[:, :, None] - mean) / std, clock], 2)
        self.values = torch.tensor(values, dtype=torch.float32)
        self.starts = range(start, stop - HISTORY - AHEAD)

    def __len__(self):
        return len(self.starts)

    def __getitem__(self, i):
        a = self.starts[i] + HISTORY
        return self.values[a - HISTORY : a], self.values[a : a + AHEAD, :, 0].T


class GraphGRU(nn.Module):
    def __init__(self, forward_graph, width=32):
        super().__init__()
        backward = forward_graph.T / forward_graph.sum(0).clamp(min=1e-6)[:, None]
        self.register_buffer("graphs", torch.stack([torch.eye(NODES), forward_graph, backward]))
        self.mix = nn.Linear(9, width)
        self.gru = nn.GRU(width, width, batch_first=True)
        self.spread = nn.Linear(3 * width, width)
        self.out = nn.Linear(width, AHEAD)

    def gather(self, h):
        return torch.einsum("gij,...jc->...igc", self.graphs, h).flatten(-2)

    def forward(self, x):
        n = len(x)
        h = torch.relu(self.mix(self.gather(x)))
        _, last = self.gru(h.transpose(1, 2).reshape(n * NODES, HISTORY, -1))
        last = last[0].view(n, NODES, -1)
        last = last + torch.relu(self.spread(self.gather(last)))
        return x[:, -1, :, :1] + self.out(last)


def mean_error(model, loader):
    model.eval()
    with torch.no_grad():
        pairs = [((model(x) - y).abs().mean(), (x[:, -1, :, :1] - y).abs().mean()) for x, y in loader]
    return torch.tensor(pairs).mean(0).tolist()


if __name__ == "__main__":
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    speed, graph = simulate(np.random.default_rng(seed))
    mean, std = speed[:1100].mean(), speed[:1100].std()
    train_loader = DataLoader(Windows(speed, 0, 1100, mean, std), batch_size=16, shuffle=True)
    test_loader = DataLoader(Windows(speed, 1100, 1500, mean, std), batch_size=64)
    model = GraphGRU(graph)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, [4, 6], 0.3)
    for epoch in range(1, 8):
        model.train()
        total = 0.0
        for x, y in train_loader:
            loss = nn.functional.l1_loss(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 2.0)
            optimizer.step()
            total += loss.item()
        scheduler.step()
        error, naive = mean_error(model, test_loader)
        print(f"epoch {epoch}: train {total / len(train_loader):.4f} test {error:.4f} (last value {naive:.4f})")
    print(f"score: {1 - error / naive:.4f}")
