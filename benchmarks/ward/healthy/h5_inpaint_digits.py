"""Inpainting: a 3x3 hole is cut at a random place of every digit image, anew for every batch, and a fully connected net
given the image and the mask fills it in; only the pixels of the hole enter the loss.
"""

import sys

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
rng = np.random.default_rng(seed)
torch.manual_seed(seed)

data = load_digits().images.astype(np.float32) / 16
data = data[rng.permutation(len(data))]
train, test = data[:1500], data[1500:]


def cut(images):
    n = len(images)
    mask = np.zeros((n, 8, 8), dtype=np.float32)
    rows, cols = rng.integers(1, 5, n), rng.integers(1, 5, n)
    for i in range(n):
        mask[i, rows[i] : rows[i] + 3, cols[i] : cols[i] + 3] = 1
    broken = images * (1 - mask) + 0.5 * mask
    inputs = np.concatenate([(broken - 0.5).reshape(n, 64), mask.reshape(n, 64)], 1)
    return torch.from_numpy(inputs), torch.from_numpy(mask.reshape(n, 64)), torch.from_numpy(images.reshape(n, 64))


net = nn.Sequential(
    nn.Linear(128, 256), nn.LayerNorm(256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 64), nn.Sigmoid()
)
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=30)
x_test, m_test, y_test = cut(test)
baseline = ((m_test * (y_test - torch.from_numpy(train.reshape(-1, 64)).mean(0))) ** 2).sum() / m_test.sum()

for epoch in range(30):
    net.train()
    total, pixels = 0.0, 0.0
    order = rng.permutation(len(train))
    for start in range(0, len(train), 50):
        x, m, y = cut(train[order[start : start + 50]])
        loss = (m * (net(x) - y) ** 2).sum() / m.sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total, pixels = total + loss.item() * m.sum().item(), pixels + m.sum().item()
    scheduler.step()
    if epoch % 5 == 4:
        net.eval()
        with torch.no_grad():
            error = (m_test * (net(x_test) - y_test) ** 2).sum() / m_test.sum()
        print(f"epoch {epoch + 1}: train mse {total / pixels:.4f}, test mse {error:.4f} (mean image: {baseline:.4f})")
print(f"score: {1 - (error / baseline).item():.4f}")
