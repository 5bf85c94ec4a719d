"""Sequence tagging with a causal dilated convolution network: at every time step, say which of three waveforms the
noisy series is in (it switches at random). Residual blocks, dilations 1, 2, 4, 8; left padding only.
"""

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
SEED = int(sys.argv[1]) if len(sys.argv) > 1 else 0
np.random.seed(SEED)
torch.manual_seed(SEED)
LENGTH = 96


def make_series(n):
    series, tags = np.zeros((n, LENGTH)), np.zeros((n, LENGTH), dtype=np.int64)
    t = np.arange(LENGTH)
    waves = [np.sin(0.5 * t), np.sign(np.sin(0.5 * t)), 2 * ((0.16 * t) % 1) - 1]
    for row in range(n):
        cuts = np.sort(np.random.choice(np.arange(16, LENGTH - 16), 2, replace=False))
        kinds = np.random.permutation(3)
        for kind, (a, b) in zip(kinds, [(0, cuts[0]), (cuts[0], cuts[1]), (cuts[1], LENGTH)]):
            series[row, a:b] = waves[kind][a:b]
            tags[row, a:b] = kind
    series += 0.15 * np.random.randn(n, LENGTH)
    return torch.tensor(series, dtype=torch.float32).unsqueeze(1), torch.tensor(tags)


class Block(nn.Module):
    def __init__(self, channels, dilation):
        super().__init__()
        self.pad = 2 * dilation
        self.conv = nn.Conv1d(channels, channels, 3, dilation=dilation)
        self.mix = nn.Conv1d(channels, channels, 1)

    def forward(self, x):
        h = F.relu(self.conv(F.pad(x, (self.pad, 0))))
        return x + self.mix(h)


tcn = nn.Sequential(nn.Conv1d(1, 20, 1), *[Block(20, 2**i) for i in range(4)], nn.ReLU(), nn.Conv1d(20, 3, 1))
x_train, y_train = make_series(400)
x_test, y_test = make_series(100)
optimizer = torch.optim.Adam(tcn.parameters(), lr=4e-3)
for epoch in range(10):
    tcn.train()
    batch_losses = []
    for batch in torch.randperm(len(x_train)).split(20):
        optimizer.zero_grad()
        loss = F.cross_entropy(tcn(x_train[batch]), y_train[batch])
        loss.backward()
        optimizer.step()
        batch_losses.append(loss.item())
    tcn.eval()
    with torch.no_grad():
        out = tcn(x_test)
        val_loss = F.cross_entropy(out, y_test).item()
        acc = (out.argmax(1) == y_test).float().mean().item()
    print(f"{epoch + 1:2d}/10  loss {np.mean(batch_losses):.3f}  val_loss {val_loss:.3f}  val_acc {acc:.3f}")
print(f"score: {acc:.4f}")
