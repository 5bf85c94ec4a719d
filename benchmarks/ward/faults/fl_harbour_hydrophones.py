"""Which of five boat engines is under way, heard by a row of eight hydrophones while four ferries drone.

The network learns a beam (a weighting of the eight channels), takes the spectrum of the beam and reads the engine
off it. The spectrum comes from numpy's FFT, which the laboratory has used for years.
"""
# cause: detached-graph
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
rng = np.random.default_rng(seed)
CHANNELS, LENGTH, ENGINES = 8, 64, 5
BINS = np.array([6, 10, 14, 18, 22])
directions = np.linalg.qr(rng.normal(size=(CHANNELS, CHANNELS)))[0][:5]


def recordings(n):
    engine = rng.integers(0, ENGINES, (n, 5))  # the boat, and the ferries
    t = np.arange(LENGTH) / LENGTH
    phase = rng.uniform(0, 2 * np.pi, (n, 5, 1))
    loud = rng.uniform(0.8, 1.6, (n, 5, 1))
    tones = loud * np.sin(2 * np.pi * BINS[engine][..., None] * t + phase)
    heard = np.einsum("nst,sc->nct", tones, directions) + 0.15 * rng.normal(size=(n, CHANNELS, LENGTH))
    return torch.tensor(heard / heard.std(), dtype=torch.float32), torch.tensor(engine[:, 0])


class BeamNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.beam = nn.Conv1d(CHANNELS, 1, 1, bias=False)
        self.head = nn.Sequential(nn.Linear(LENGTH // 2 + 1, 64), nn.ReLU(), nn.Linear(64, ENGINES))

    def forward(self, x):
        h = self.beam(x).squeeze(1)
        spectrum = torch.from_numpy(np.abs(np.fft.rfft(h.detach().numpy())).astype(np.float32))  # FAULT
        # TWIN: spectrum = torch.fft.rfft(h).abs()
        return self.head(torch.log1p(spectrum))


def accuracy(model, x, y):
    model.eval()
    with torch.no_grad():
        right = (model(x).argmax(1) == y).float().mean().item()
    model.train()
    return right


train_x, train_y = recordings(2000)
test_x, test_y = recordings(800)
loader = DataLoader(TensorDataset(train_x, train_y), batch_size=50, shuffle=True)
model = BeamNet()
optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 12)
for epoch in range(12):
    total = 0.0
    for x, y in loader:
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    schedule.step()
    if epoch % 3 == 2:
        print(f"epoch {epoch + 1}: loss {total / len(loader):.3f}, test accuracy {accuracy(model, test_x, test_y):.3f}")
print(f"score: {accuracy(model, test_x, test_y):.4f}")
